"""`govchat dossiers`: a table of dossiers taken in, and the rules by which a province counts deadlines."""

import asyncio
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from govchat.dossiers.rule import Rules
    from govchat.dossiers.sheet import Line
    from govchat.dossiers.watch import Owed
    from govchat.settings import Settings

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
BATCH = 500
tenant_option = click.option("--tenant", "slug", required=True, metavar="SLUG", help="The province of the dossiers.")
json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")
OUTCOMES = {"created": "mới", "updated": "cập nhật", "unchanged": "không đổi", "stale": "cũ hơn bản đang lưu"}
PAUSES = {"restart": "tính lại hạn từ đầu (restart)", "shift": "tính tiếp phần hạn còn lại (shift)"}
DAYS = {"calendar": "ngày liên tục (calendar)", "working": "ngày làm việc (working)"}


@click.group()
def dossiers() -> None:
    """Take in dossiers from a table, and set how deadlines are counted."""


@dossiers.command(name="import")
@click.argument("file", type=FILE)
@tenant_option
@click.option("--dry-run", is_flag=True, help="Only check the file; nothing is stored.")
@data_dir_option
@json_option
def import_(file: Path, slug: str, dry_run: bool, data_dir: Path, json_: bool) -> None:
    """Take in a table of dossiers, one a line.

    FILE is .csv in UTF-8 or .xlsx with Vietnamese heads:
    Mã hồ sơ, Mã thủ tục, Chủ hồ sơ, Trạng thái and Đơn vị xử lý must be there, and Ngày tiếp nhận or Ngày cập nhật; besides them Số
    điện thoại, Số định danh, Mã tra cứu, Ngày hẹn trả, Ghi chú and Người xử lý. Lines with a mistake are told as FILE:LINE and left out,
    the others are kept; the exit status is then 1. Taking the same file in again changes nothing.
    """
    from govchat.cli.show import as_json
    from govchat.dossiers.sheet import read

    lines = read(file)
    told = asyncio.run(_import(beside_up(data_dir), slug, lines, dry_run=dry_run))
    wrong = [line for line in lines if line.given is None]
    if json_:
        errors = [{"line": line.number, "code": line.code, "message": line.wrong} for line in wrong]
        as_json({"lines": len(lines), "dry_run": dry_run, "outcomes": told, "errors": errors})
    else:
        for line in wrong:
            click.echo(f"{file}:{line.number} {line.wrong}", err=True)
        if dry_run:
            click.echo(f"{len(lines) - len(wrong)} dòng hợp lệ, {len(wrong)} dòng lỗi; chưa ghi gì (--dry-run)")
        else:
            done = ", ".join(f"{told.get(name, 0)} {label}" for name, label in OUTCOMES.items())
            click.echo(f"{done}; {len(wrong)} dòng lỗi")
    sys.exit(1 if wrong else 0)


@dossiers.command()
@click.argument("file", type=FILE, required=False)
@tenant_option
@data_dir_option
@json_option
def rules(file: Path | None, slug: str, data_dir: Path, json_: bool) -> None:
    """Show or set how deadlines are counted.

    The rules of FILE (TOML) hold from now on, and no others.
    [[office]] has unit, morning, afternoon and saturday (hours such as "07:30-11:30"); [[procedure]] has code, pause ("restart": the limit
    begins anew when missing papers have come; "shift": what was left of it goes on) and plain_days ("calendar" or "working").
    """
    from govchat.cli.show import as_json
    from govchat.dossiers.rule import parse

    wanted = parse(file.read_text(encoding="utf-8"), str(file)) if file else None
    held = asyncio.run(_rules(beside_up(data_dir), slug, wanted))
    if json_:
        as_json(held)
        return
    for office in held.office:
        saturday = f", thứ Bảy {office.saturday}" if office.saturday else ""
        click.echo(f"{office.unit}: {office.morning}, {office.afternoon}{saturday}")
    for counted in held.procedure:
        click.echo(
            f"{counted.code}: bổ sung xong thì {PAUSES[counted.pause]}; hạn tính theo {DAYS[counted.plain_days]}"
        )
    if not (held.office or held.procedure):
        click.echo(f"{slug}: không có quy tắc riêng, tính theo giờ hành chính")


@dossiers.command()
@tenant_option
@data_dir_option
@json_option
def apologies(slug: str, data_dir: Path, json_: bool) -> None:
    """List dossiers that owe an apology within a working day.

    The most urgent come first. Later is too late: an apology is due at least a day before the appointment.
    """
    from govchat.cli.show import as_json, as_table, moment

    owed = asyncio.run(_apologies(beside_up(data_dir), slug))
    if json_:
        as_json(owed)
    elif owed:
        rows = [(each.code, moment(each.apology_by), moment(each.due_at), each.unit) for each in owed]
        as_table(("DOSSIER", "APOLOGY BY", "DUE", "OFFICE"), rows)
    else:
        click.echo(f"{slug}: không có hồ sơ nào sắp hết thời hạn gửi văn bản xin lỗi")


async def _import(settings: "Settings", slug: str, lines: "list[Line]", *, dry_run: bool) -> dict[str, int]:
    from govchat.cli.opened import opened
    from govchat.dossiers import codes
    from govchat.dossiers.intake import put_many
    from govchat.dossiers.judge import Draft
    from govchat.dossiers.schemas import Put
    from govchat.procedures.book import Book

    outcomes: Counter[str] = Counter()
    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        vault = await registry.tenant_vault(tenant.id)
        book = Book(registry.db, registry)
        await book.fresh(tenant.id)
        drafts = [
            Draft(code=line.code, key=codes.parse(line.code).key, given=line.given) for line in lines if line.given
        ]
        for first in range(0, 0 if dry_run else len(drafts), BATCH):
            async with registry.db.tenant(tenant.id) as session:
                done = await put_many(session, vault, tenant.id, book, drafts[first : first + BATCH])
            outcomes.update(each.outcome for each in done if isinstance(each, Put))
    return dict(outcomes)


async def _apologies(settings: "Settings", slug: str) -> "list[Owed]":
    from govchat.cli.opened import opened
    from govchat.dossiers.watch import apologies_owed
    from govchat.kit import clock
    from govchat.procedures.book import Book

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        book = Book(registry.db, registry)
        await book.fresh(tenant.id)
        async with registry.db.tenant(tenant.id) as session:
            return await apologies_owed(session, tenant.id, book, now=clock.now())


async def _rules(settings: "Settings", slug: str, wanted: "Rules | None") -> "Rules":
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.dossiers import rule

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            if wanted is not None:
                await rule.replace(session, tenant.id, wanted, actor=actor())
            return await rule.current(session, tenant.id)
