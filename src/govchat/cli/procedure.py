"""`govchat procedure`: the catalogue of procedures, imported from files, shown, and what in it is doubtful.

Reports are read by provincial staff and are in Vietnamese.
"""

import asyncio
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option
from govchat.errors import ConfigurationError

if TYPE_CHECKING:
    from govchat.procedures.load_file import Options, Report
    from govchat.procedures.schemas import FlagOut, ProcedureOut, ProcedurePage
    from govchat.settings import Settings

json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")
day = click.DateTime(["%Y-%m-%d", "%d/%m/%Y"])
on_option = click.option("--on", type=day, help="The day it is asked for.  [default: today]")
FIELD_NAMES = {
    "code": "mã thủ tục",
    "name": "tên thường gọi",
    "official_name": "tên thủ tục",
    "field": "lĩnh vực",
    "issuer": "cơ quan ban hành",
    "agencies": "cơ quan thực hiện",
    "address": "địa chỉ",
    "opening_hours": "giờ tiếp nhận",
    "channels": "cách nộp",
    "limit": "thời hạn",
    "limit_value": "thời hạn, con số",
    "limit_unit": "thời hạn, đơn vị",
    "limit_note": "thời hạn, ghi chú",
    "fee": "phí, lệ phí",
    "charge": "lệ phí",
    "documents": "thành phần hồ sơ",
    "results": "kết quả",
    "steps": "trình tự",
    "decision": "quyết định",
    "legal_basis": "căn cứ pháp lý",
    "aliases": "tên khác",
    "levels": "cấp thực hiện",
    "online": "mức trực tuyến",
    "source": "nguồn",
    "withdrawn": "đã bãi bỏ",
    "note": "ghi chú",
    "hidden": "ẩn",
    "replaced_by": "thay thế bởi",
    "valid_from": "hiệu lực từ",
}
# How many lines of each kind a report shows; JSON shows all.
SHOWN = 20


@click.group()
def procedure() -> None:
    """Import, list and correct procedures."""


@procedure.command(name="import")
@click.argument("slug", required=False)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--national", is_flag=True, help="Into the layer that all provinces share (needs the owner role's URL).")
@click.option("--dry-run", is_flag=True, help="Tell what the file would do, write nothing.")
@click.option("--strict", is_flag=True, help="Write nothing if any row is bad.")
@click.option("--complete", is_flag=True, help="The file is the whole list: what earlier files put and it lacks ends.")
@click.option("--valid-from", type=day, help="From when changes hold.  [default: today; what is new: since ever]")
@data_dir_option
@json_option
def import_(
    slug: str | None,
    file: Path | None,
    national: bool,
    dry_run: bool,
    strict: bool,
    complete: bool,
    valid_from: datetime | None,
    data_dir: Path,
    json_: bool,
) -> None:
    """Import FILE (CSV or XLSX) into SLUG's catalogue, or the national one.

    With --national, into the one that all provinces share.

    Columns are recognised by their headers. Good rows are taken though others are bad; the command then ends with 1 only under
    --strict. Importing a file again changes nothing.
    """
    from govchat.cli.show import as_json
    from govchat.procedures.load_file import ImportRefused, Options

    if national and file is None:  # the one argument is the file
        slug, file = None, Path(slug) if slug else None
    if file is None or national == (slug is not None):
        raise click.UsageError("give SLUG and FILE, or --national and FILE")
    data = _bytes(file)
    options = Options(
        dry_run=dry_run, strict=strict, complete=complete, valid_from=valid_from.date() if valid_from else None
    )
    try:
        report = asyncio.run(_import(beside_up(data_dir), slug, data, file.name, options))
    except ImportRefused as refused:
        if json_:
            as_json({"applied": False, "detail": refused.detail, **refused.extra})
            sys.exit(1)
        for bad in refused.extra["bad"]:
            click.echo(
                f'dòng {bad["line"]} cột {bad["column"]} "{_short(bad["value"], 60)}": {bad["reason"]}', err=True
            )
        raise
    if json_:
        as_json(report)
    else:
        _print(report)
    sys.exit(1 if strict and report.bad else 0)


@procedure.command(name="list")
@click.argument("slug")
@click.argument("query", required=False, default="")
@click.option("--all", "everything", is_flag=True, help="Also what is hidden, replaced or withdrawn.")
@on_option
@data_dir_option
@json_option
def list_(slug: str, query: str, everything: bool, on: datetime | None, data_dir: Path, json_: bool) -> None:
    """List SLUG's procedures, or those that fit QUERY, best first.

    Diacritics are optional.
    """
    from govchat.cli.show import as_json, as_table

    found = asyncio.run(_page(beside_up(data_dir), slug, query, everything, _day(on)))
    if json_:
        as_json(found.items)
    elif not found.items:
        click.echo(f"{slug}: không có thủ tục nào phù hợp")
    else:
        as_table(
            ("MÃ", "NGUỒN", "THỜI HẠN", "LĨNH VỰC", "TÊN"),
            [
                (each.code, each.layer, _short(each.limit or "-", 24), _short(each.field, 30), _short(each.name, 90))
                for each in found.items
            ],
        )


@procedure.command()
@click.argument("slug")
@click.argument("code")
@on_option
@data_dir_option
@json_option
def show(slug: str, code: str, on: datetime | None, data_dir: Path, json_: bool) -> None:
    """Show one procedure as SLUG has it.

    With where each figure comes from, and what is doubtful.
    """
    from govchat.cli.show import as_json

    found = asyncio.run(_show(beside_up(data_dir), slug, code, _day(on)))
    if json_:
        as_json(found)
        return
    lines = {
        "Mã": found.code,
        "Tên": found.name,
        "Tên đầy đủ": found.official_name,
        "Lĩnh vực": found.field,
        "Cơ quan ban hành": found.issuer,
        "Cơ quan thực hiện": "; ".join(found.agencies),
        "Địa chỉ": found.address,
        "Giờ tiếp nhận": found.opening_hours,
        "Thời hạn": found.limit.spelled,
        "Phí, lệ phí": found.fee.text,
        "Hồ sơ": "\n".join(found.documents),
        "Kết quả": "; ".join(found.results),
        "Quyết định": found.decision,
        "Ghi chú": found.note,
        "Thay thế bởi": found.replaced_by,
        "Ẩn": "có" if found.hidden else "",
        "Đã bãi bỏ": "có" if found.withdrawn else "",
        "Hiệu lực từ": f"{found.valid_from:%d/%m/%Y}" if found.valid_from else "",
        "Tỉnh khai": ", ".join(found.override),
    }
    width = max(map(len, lines))
    for name, value in lines.items():
        for number, line in enumerate(value.splitlines()):
            click.echo(f"{('' if number else name).ljust(width)}  {line}")
    for flag in found.flags:
        click.echo(f"[{flag.field}: {flag.kind}] {flag.says}{f' — nguyên văn: {flag.raw}' if flag.raw else ''}")


@procedure.command()
@click.argument("slug")
@click.option("--kind", default="", help="One kind of doubt only, such as maybe_hours.")
@data_dir_option
@json_option
def flags(slug: str, kind: str, data_dir: Path, json_: bool) -> None:
    """List what is doubtful in SLUG's catalogue.

    Figures kept as their source has them, and what is missing.
    """
    from collections import Counter

    from govchat.cli.show import as_json
    from govchat.procedures.flags import KINDS

    if kind and kind not in KINDS:
        raise ConfigurationError(f'không có loại "{kind}": chọn một trong {", ".join(KINDS)}')
    found = [each for each in asyncio.run(_flags(beside_up(data_dir), slug)) if kind in ("", each.kind)]
    if json_:
        as_json(found)
        return
    counted = Counter(each.kind for each in found)
    for name, count in counted.most_common():
        click.echo(f"{count:6}  {name}: {KINDS[name]}")
    if not found:
        click.echo(f"{slug}: không có gì cần xem lại")
    # What is missing is counted; what somebody wrote is shown.
    written = [each for each in found if kind or each.raw]
    for each in written[: None if kind else SHOWN]:
        click.echo(f"{each.code}  {each.field}  {each.kind}  {_short(each.raw or each.name, 80)}")
    if not kind and len(written) > SHOWN:
        click.echo(f"… và {len(written) - SHOWN} mục khác: thêm --kind KIND hoặc --json")


def _bytes(file: Path) -> bytes:
    from govchat.kit.oserror import reason
    from govchat.procedures.sheet import MOST_BYTES

    try:
        if file.stat().st_size > MOST_BYTES:
            raise ConfigurationError(f"{file}: lớn hơn {MOST_BYTES >> 20} MiB; tách tệp, hoặc lưu lại không kèm hình")
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file}: không đọc được tệp ({reason(error)}); kiểm tra đường dẫn") from None


def _day(on: datetime | None) -> date | None:
    return on.date() if on else None


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


async def _import(settings: "Settings", slug: str | None, data: bytes, name: str, options: "Options") -> "Report":
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.db.session import Database
    from govchat.procedures.book import Book
    from govchat.procedures.load_file import import_national, import_province

    if slug is not None:
        async with opened(settings) as registry:
            tenant = registry.by_slug(slug)
            book = Book(registry.db, registry)
            return await import_province(book, tenant.id, data, name, options, actor=actor())
    if not settings.migration_database_url:
        raise ConfigurationError(
            "GOVCHAT_MIGRATION_DATABASE_URL is not set: the catalogue that all provinces share is written as the owner role"
        )
    owner = Database.connect(settings.migration_database_url, part="cli", pool_size=2, statement_timeout_ms=60_000)
    try:
        return await import_national(owner, data, name, options, actor=actor())
    except OSError as error:
        url = owner.engine.url
        raise ConfigurationError(
            f"GOVCHAT_MIGRATION_DATABASE_URL {url.host}:{url.port or 5432}: no connection ({error.strerror or error})"
        ) from None
    finally:
        await owner.close()


async def _page(settings: "Settings", slug: str, query: str, everything: bool, on: date | None) -> "ProcedurePage":
    from govchat.cli.opened import opened
    from govchat.procedures import queries
    from govchat.procedures.book import Book

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        view = await Book(registry.db, registry).fresh(tenant.id)
        return queries.page(view, query, everything=everything, on=on, limit=sys.maxsize)


async def _show(settings: "Settings", slug: str, code: str, on: date | None) -> "ProcedureOut":
    from govchat.cli.opened import opened
    from govchat.procedures import queries
    from govchat.procedures.book import Book

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        return queries.get(await Book(registry.db, registry).fresh(tenant.id), code, on)


async def _flags(settings: "Settings", slug: str) -> "list[FlagOut]":
    from govchat.cli.opened import opened
    from govchat.procedures import queries
    from govchat.procedures.book import Book

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        return list(queries.every_flag(await Book(registry.db, registry).fresh(tenant.id)))


def _named(field: str) -> str:
    """A field of a procedure as the office calls it."""
    return FIELD_NAMES.get(field, field)


def _print(report: "Report") -> None:
    """The report for people: how the file was understood, what changes, what was left out and why."""
    seen, counts = report.file, report.counts
    how = " ".join(part for part in (seen.kind.upper(), seen.encoding, seen.sheet and f'trang "{seen.sheet}"') if part)
    click.echo(f"{seen.name}: {how}, tiêu đề ở dòng {seen.header_line}, {seen.rows} dòng dữ liệu")
    for column in seen.columns:
        meaning = (
            f"→ {_named(column.field)}{'' if column.how == 'exact' else ' (tên cột gần giống)'}"
            if column.field
            else column.why
        )
        click.echo(f'  cột {column.letter} "{_short(column.header, 50)}" {meaning}')
    for remark in seen.remarks:
        click.echo(f"  lưu ý: {remark}")
    for title, touched in (("thêm", report.added), ("đổi", report.changed), ("bỏ", report.removed)):
        kept = (
            ""
            if title != "bỏ" or report.removes or not touched
            else " (vẫn giữ: thêm --complete nếu tệp là toàn bộ danh mục)"
        )
        click.echo(f"{title}: {len(touched)}{kept}")
        for each in touched[:SHOWN]:
            fields = f" [{', '.join(_named(field.field) for field in each.fields)}]" if each.fields else ""
            click.echo(f"  {each.code}  {_short(each.name, 80) or '(chưa có tên)'}{fields}")
        if len(touched) > SHOWN:
            click.echo(f"  … và {len(touched) - SHOWN} thủ tục khác (xem đủ với --json)")
    click.echo(f"không đổi: {counts['unchanged']}")
    click.echo(f"dòng lỗi: {counts['bad']}")
    for bad in report.bad:
        place = f" cột {bad.column}" if bad.column else ""
        click.echo(f'  dòng {bad.line}{place} "{_short(bad.value, 60)}": {bad.reason}')
    click.echo(f"cần xem lại: {counts['flags']}")
    for flag in report.flags[:SHOWN]:
        click.echo(f"  dòng {flag.line} {flag.code} {_named(flag.field)}: {flag.says} — {_short(flag.raw, 60)}")
    if len(report.flags) > SHOWN:
        click.echo(f"  … và {len(report.flags) - SHOWN} mục khác (xem đủ với --json)")
    if report.dry_run:
        click.echo("chạy thử, chưa ghi gì")
    else:
        written = counts["added"] + counts["changed"] + (counts["removed"] if report.removes else 0)
        click.echo(f"đã ghi {written} thủ tục" if written else "không có gì mới để ghi")
