"""`govchat tenant apply`, `export` and `merge`: files into the database and back."""

import asyncio
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.manifests import sound, tenants_option
from govchat.cli.settings import beside_up, data_dir_option
from govchat.errors import ConfigurationError

if TYPE_CHECKING:
    from govchat.settings import Settings
    from govchat.tenants.difference import Change
    from govchat.tenants.export import Exported
    from govchat.tenants.finish_merge import Begun
    from govchat.tenants.manifest import Manifest
    from govchat.tenants.merge import Merger
    from govchat.tenants.plan import Plan

json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")
# What `--overwrite` takes: the names of the parts, at hand without importing their rooms.
NAMES = ("wording", "procedures", "notices", "templates")
# How `apply` and `export` end, for people; `--json` keeps the words of the code.
OUTCOMES = {"created": "tạo mới", "updated": "cập nhật", "unchanged": "không đổi", "closed": "đã đóng, giữ nguyên"}
FILES = {"written": "đã ghi", "unchanged": "không đổi", "kept": "giữ nguyên tệp, tệp khác cơ sở dữ liệu"}
yes_option = click.option("--yes", is_flag=True, help="Don't ask, also at a terminal.")


@click.command()
@click.argument("slug", required=False)
@tenants_option(help="The folder of the manifests.  [default: that of the running stack]")
@click.option("--dry-run", is_flag=True, help="Show what would change, change nothing.")
@click.option(
    "--overwrite",
    multiple=True,
    type=click.Choice(NAMES),
    help="Let the files win over what admins edited in this part; may be given more than once.",
)
@yes_option
@data_dir_option
@json_option
def apply(
    slug: str | None,
    tenants: Path | None,
    dry_run: bool,
    overwrite: tuple[str, ...],
    yes: bool,
    data_dir: Path,
    json_: bool,
) -> None:
    """Bring every province, or SLUG alone, to what its manifest says.

    Shows what changes, field by field, and at a terminal asks before it writes; scripts and pipes are not asked. Applies nothing while
    any manifest has a mistake or takes what another province holds. What admins edited stays. Applying again changes nothing.
    """
    from govchat.cli.show import as_json

    settings = beside_up(data_dir)
    folder = tenants or settings.tenants_dir
    book = sound(folder, slug)
    chosen = [manifest for manifest in book.manifests if slug in (None, manifest.slug)]
    plans = asyncio.run(_plan(settings, folder, chosen, frozenset(overwrite)))
    if not json_:
        _show(plans)
    changing = any(plan.outcome in ("created", "updated") for plan in plans)
    if dry_run:
        done = plans
    else:
        if changing and not yes and not json_ and sys.stdin is not None and sys.stdin.isatty():
            click.confirm("Áp dụng?", abort=True)
        done = asyncio.run(_apply(settings, folder, chosen, frozenset(overwrite)))
    if json_:
        as_json(
            [
                {
                    "slug": plan.slug,
                    "outcome": plan.outcome,
                    "changes": plan.changes,
                    "kept": plan.kept,
                    "waiting": plan.waiting,
                }
                for plan in done
            ]
        )
        return
    width = max((len(plan.slug) for plan in done), default=0)
    if not dry_run:
        for plan in done:
            click.echo(f"{plan.slug.ljust(width)}  {OUTCOMES[plan.outcome]}")
    counted = [plan.outcome for plan in done]
    told = ", ".join(
        f"{counted.count(each)} {says}" for each, says in OUTCOMES.items() if each != "closed" or "closed" in counted
    )
    click.echo(f"{told}{' (chạy thử: chưa thay đổi gì)' if dry_run else ''}")


def _show(plans: "list[Plan]") -> None:
    """The difference, for people; a new tenant by what names it."""
    from govchat.tenants.difference import shown

    for plan in plans:
        if plan.outcome == "created":
            fields = {change.field: change.after for change in plan.changes}
            click.echo(f"{plan.slug}: mới, {shown(fields.get('full_name'))}; zalo: {shown(fields.get('zalo'))}")
        elif plan.changes:
            click.echo(f"{plan.slug}:")
            for change in plan.changes:
                click.echo(f"  {change}")
        for change in plan.kept:
            click.echo(
                f"{plan.slug}: giữ {change.field}: {shown(change.before)} (người quản trị đã sửa; tệp ghi: {shown(change.after)}); "
                f"muốn theo tệp thì thêm --overwrite {change.field.partition('.')[0]}"
            )
        for waiting in plan.waiting:
            click.echo(f"{plan.slug}: chờ {waiting.field}: {waiting.why}")


async def _plan(
    settings: "Settings", folder: Path, manifests: "list[Manifest]", overwrite: frozenset[str]
) -> "list[Plan]":
    from govchat.cli.opened import opened
    from govchat.onboarding.parts import PARTS
    from govchat.tenants.plan import in_order, plan

    async with opened(settings, load=False) as registry:
        return [
            await plan(registry.db, each, home=folder / each.slug, parts=PARTS, overwrite=overwrite)
            for each in await in_order(registry.db, manifests)
        ]


async def _apply(
    settings: "Settings", folder: Path, manifests: "list[Manifest]", overwrite: frozenset[str]
) -> "list[Plan]":
    from sqlalchemy.exc import IntegrityError

    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.onboarding.parts import PARTS
    from govchat.tenants.apply import apply as apply_one
    from govchat.tenants.plan import in_order

    done = []
    # Not loaded: what stands in the registry may be what this mends.
    async with opened(settings, load=False) as registry:
        for each in await in_order(registry.db, manifests):
            try:
                done.append(
                    await apply_one(
                        registry.db,
                        registry.vault,
                        settings,
                        each,
                        actor=actor(),
                        home=folder / each.slug,
                        parts=PARTS,
                        overwrite=overwrite,
                    )
                )
            except IntegrityError:  # planned otherwise: somebody else applies at the same moment
                raise ConfigurationError(
                    f'"{each.slug}": oa_id {each.zalo.oa_id}, app_id {each.zalo.app_id} hoặc tên ứng dụng "{each.app_key}" đang thuộc '
                    "đơn vị khác trong cơ sở dữ liệu, xem `govchat tenant list`; áp dụng trước tệp của đơn vị nhường lại"
                ) from None
    return done


@click.command()
@click.argument("slug")
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    help="The folder to write SLUG/ in.  [default: that of the running stack's manifests]",
)
@click.option("--replace-manifest", is_flag=True, help="Also replace a tenant.toml that says something else.")
@data_dir_option
@json_option
def export(slug: str, to: Path | None, replace_manifest: bool, data_dir: Path, json_: bool) -> None:
    """Write what the database holds of SLUG to files, admins' edits too.

    A file that says the same already is left alone, with its comments. A tenant.toml that says something else is kept unless
    --replace-manifest is given: it may hold changes that wait to be applied.
    """
    from govchat.cli.show import as_json

    settings = beside_up(data_dir)
    done = asyncio.run(_export(settings, slug, to or settings.tenants_dir, replace_manifest))
    if json_:
        as_json(done)
        return
    for each in done:
        click.echo(f"{each.file}: {FILES[each.outcome]}")
        if each.outcome == "kept":
            for change in each.changes:
                click.echo(f"  {change}")
            click.echo("  (trái: tệp, phải: cơ sở dữ liệu) áp dụng tệp, hoặc thêm --replace-manifest để ghi đè tệp")


async def _export(settings: "Settings", slug: str, folder: Path, replace: bool) -> "list[Exported]":
    from govchat.cli.opened import opened
    from govchat.onboarding.parts import PARTS
    from govchat.tenants.export import export as export_one

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        return await export_one(registry.db, tenant, folder, parts=PARTS, replace_manifest=replace)


@click.command()
@click.argument("old")
@click.option("--into", "new", required=True, metavar="NEW", help="The province that takes OLD in.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The first day of the merger.  [default: today]")
@tenants_option(help="The folder of the manifests.  [default: that of the running stack]")
@click.option("--dry-run", is_flag=True, help="Show what would change, change nothing.")
@yes_option
@data_dir_option
@json_option
def merge(
    old: str,
    new: str,
    on: datetime | None,
    tenants: Path | None,
    dry_run: bool,
    yes: bool,
    data_dir: Path,
    json_: bool,
) -> None:
    """Close the province OLD and let NEW answer for its H codes.

    NEW's tenant.toml gains the codes and the lineage, OLD's folder moves to _closed/. OLD's dossiers and citizens stay where they are,
    readable under OLD; its one-stop system hands running dossiers to NEW. A merger that was cut off is finished by the same command.
    """
    from govchat.cli.show import as_json
    from govchat.tenants.finish_merge import finish
    from govchat.tenants.merge import CLOSED_FOLDER

    settings = beside_up(data_dir)
    folder = tenants or settings.tenants_dir
    begun = asyncio.run(_begun(settings, folder, old, new))
    changes: tuple[Change, ...] = ()
    if begun is not None and begun.left != "all":
        day = begun.on
        if not json_:
            left = "không còn gì phải làm" if begun.left == "nothing" else f"còn chuyển thư mục vào {CLOSED_FOLDER}/"
            click.echo(f"{old} → {new} ngày {day:%d/%m/%Y}: đã sáp nhập, {left}")
        if begun.left == "folder" and not dry_run:
            finish(folder, old)
    else:
        merger = _merger(folder, old, new, begun.on if begun else on and on.date())
        day, changes = merger.on, merger.changes
        _show_merger(merger, json_=json_)
        if not dry_run:
            if not yes and not json_ and sys.stdin is not None and sys.stdin.isatty():
                click.confirm(f"Đóng {old} và sáp nhập vào {new}?", abort=True)
            asyncio.run(_merge(settings, folder, merger))
    if json_:
        as_json({"old": old, "new": new, "on": day, "merged": not dry_run, "changes": changes})
    else:
        click.echo(
            "chạy thử: chưa thay đổi gì" if dry_run else f"{old} đã đóng, {new} trả lời cho các mã hồ sơ của đơn vị này"
        )


def _show_merger(merger: "Merger", *, json_: bool) -> None:
    if json_:
        return
    click.echo(f"{merger.old.slug} → {merger.new.slug} ngày {merger.on:%d/%m/%Y}:")
    for change in merger.changes:
        click.echo(f"  {change}")
    click.echo(f"  {merger.old.slug}.state: → closed")


async def _begun(settings: "Settings", folder: Path, old: str, new: str) -> "Begun | None":
    from govchat.cli.opened import opened
    from govchat.tenants.finish_merge import begun

    async with opened(settings, load=False) as registry:
        return await begun(registry.db, folder, old, new)


def _merger(folder: Path, old: str, new: str, on: date | None) -> "Merger":
    from govchat.kit import clock
    from govchat.tenants.merge import plan_merger

    for slug in (old, new):
        book = sound(folder, slug)
    today = clock.now().astimezone(clock.VN).date()
    first, second = book.of(old), book.of(new)
    assert first is not None
    assert second is not None
    return plan_merger(first, second, on=on or today, today=today)


async def _merge(settings: "Settings", folder: Path, merger: "Merger") -> None:
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.tenants.merge import merge as merge_one

    async with opened(settings, load=False) as registry:
        await merge_one(registry.db, folder, merger, actor=actor())
