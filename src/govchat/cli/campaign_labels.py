"""`govchat campaign label`, `labels`, `tag`, `untag`: communes and tags of citizens, from a file or one by one."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.campaign_inside import as_option, inside, json_option, person
from govchat.cli.settings import data_dir_option

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from govchat.campaigns.schemas import PersonLabels
    from govchat.kit.crypto import TenantVault
    from govchat.tenants.registry import Tenant

KINDS = {"commune": "xã", "tag": "nhãn"}


@click.command()
@click.argument("slug")
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@as_option
@data_dir_option
def label(slug: str, file: Path, who: str | None, data_dir: Path) -> None:
    """Note communes and tags of citizens from a CSV or XLSX file.

    Columns "Mã Zalo" or "Số điện thoại", and "Xã" or "Nhãn".
    """
    from govchat.campaigns import sheet
    from govchat.campaigns.label import label_people

    lines = sheet.read(file.read_bytes(), needs=("commune", "tags"))
    told = inside(
        data_dir, slug, lambda session, vault, tenant: label_people(session, vault, tenant.id, lines, actor=person(who))
    )
    for problem in told.problems:
        click.echo(f"{file}:{problem.line} {problem.problem}", err=True)
    click.echo(f"đã ghi cho {told.labelled} người, trong {told.lines} dòng")


@click.command()
@click.argument("slug")
@data_dir_option
@json_option
def labels(slug: str, data_dir: Path, json_: bool) -> None:
    """List communes and tags with how many citizens carry each."""
    from govchat.campaigns.label import all_labels
    from govchat.cli.show import as_json, as_table

    found = inside(data_dir, slug, lambda session, _, tenant: all_labels(session, tenant.id))
    if json_:
        as_json(found)
        return
    as_table(("LOẠI", "SỐ NGƯỜI", "NHÃN"), [(KINDS[one.kind], str(one.citizens), one.label) for one in found])


@click.command()
@click.argument("slug")
@click.argument("user_id")
@click.option("--add", multiple=True, metavar="TAG", help="A tag more.")
@click.option("--remove", multiple=True, metavar="TAG", help="A tag less.")
@click.option("--commune", metavar="NAME", help='Where they live; "" for unknown.')
@as_option
@data_dir_option
@json_option
def tag(
    slug: str,
    user_id: str,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    commune: str | None,
    who: str | None,
    data_dir: Path,
    json_: bool,
) -> None:
    """Show or change the labels of one citizen, by Zalo's id."""
    from govchat.campaigns.audience import folded
    from govchat.campaigns.label import labels_of, put_labels
    from govchat.campaigns.schemas import PersonLabels
    from govchat.cli.show import as_json

    async def act(session: "AsyncSession", _: "TenantVault", tenant: "Tenant") -> "PersonLabels":
        before = await labels_of(session, tenant.id, user_id)
        if not add and not remove and commune is None:
            return before
        gone = {folded(each) for each in remove}
        tags = [each for each in (*before.tags, *add) if folded(each) not in gone]
        lives = before.commune if commune is None else commune.strip() or None
        after = PersonLabels(commune=lives, tags=tags)
        return await put_labels(session, tenant.id, user_id, after, actor=person(who))

    told = inside(data_dir, slug, act)
    if json_:
        as_json(told)
        return
    click.echo(f"xã    {told.commune or '-'}")
    click.echo(f"nhãn  {', '.join(told.tags) or '-'}")


@click.command()
@click.argument("slug")
@click.argument("name", metavar="LABEL")
@click.option("--kind", type=click.Choice(["tag", "commune"]), default="tag", show_default=True)
@as_option
@data_dir_option
def untag(slug: str, name: str, kind: str, who: str | None, data_dir: Path) -> None:
    """Take a label away from everybody."""
    from govchat.campaigns.label import drop_label

    dropped = inside(
        data_dir,
        slug,
        lambda session, _, tenant: drop_label(session, tenant.id, kind, name, actor=person(who)),  # type: ignore[arg-type]
    )
    click.echo(f"đã gỡ khỏi {dropped} người")


COMMANDS = (label, labels, tag, untag)
