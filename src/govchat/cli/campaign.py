"""`govchat campaign`: broadcasts drafted, estimated, tried out, approved by somebody else, followed and steered."""

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from govchat.cli import campaign_labels
from govchat.cli.campaign_draft import article, audience, draft_from, link, template
from govchat.cli.campaign_inside import Act, as_option, in_one, inside, json_option, person
from govchat.cli.campaign_told import class_of, estimated, handled, progress, state_of, told
from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from govchat.campaigns.schemas import CampaignOut
    from govchat.kit.crypto import TenantVault
    from govchat.tenants.registry import Tenant

FOLLOW_S = 0.5


@click.group()
def campaign() -> None:
    """Send broadcasts to a province's citizens."""


for _command in campaign_labels.COMMANDS:
    campaign.add_command(_command)


@campaign.command()
@click.argument("slug")
@click.argument("name")
@click.option("--class", "kind", type=click.Choice(["announcement", "promotion", "emergency"]), default="announcement")
@click.option("--text", "words", help="What is said; read from standard input when left out.")
@click.option("--audience", "given", help='JSON, such as {"segment": {"communes": ["Phường 1"]}}.  [all followers]')
@click.option("--list", "sheet_file", type=click.Path(path_type=Path, exists=True), help="CSV or XLSX of people.")
@click.option("--picture", type=click.Path(path_type=Path, exists=True), help="JPEG, PNG or WebP.")
@click.option(
    "--article",
    "article_file",
    type=click.Path(path_type=Path, exists=True),
    help="JSON of an article that Zalo broadcasts where law allows it: title, author, description, cover_url, body.",
)
@click.option("--button", "buttons", multiple=True, metavar="TITLE=URL", help="A link; up to five.")
@click.option("--template", "template_id", metavar="ID", help="An approved template for those who wrote longer ago.")
@click.option(
    "--value", "values", multiple=True, metavar="NAME=TEXT", help="A parameter of the template; may hold {ten}, {xa}."
)
@click.option("--at", "send_at", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]), help="Vietnamese time.")
@click.option("--max-cost", type=click.IntRange(min=0), default=0, help="Đồng that may be spent.  [0: what is free]")
@as_option
@data_dir_option
@json_option
def new(
    slug: str,
    name: str,
    kind: str,
    words: str | None,
    given: str | None,
    sheet_file: Path | None,
    picture: Path | None,
    article_file: Path | None,
    buttons: tuple[str, ...],
    template_id: str | None,
    values: tuple[str, ...],
    send_at: "datetime | None",
    max_cost: int,
    who: str | None,
    data_dir: Path,
    json_: bool,
) -> None:
    """Draft a campaign.

    Nothing is sent until somebody else approves it.
    """
    text = words if words is not None else sys.stdin.read()
    asked: dict[str, Any] = {
        "name": name,
        "class": kind,
        "message": {"text": text.strip(), "buttons": [link(each) for each in buttons]},
        "audience": audience(given) if given or not sheet_file else {"segment": {}},
        "max_cost": max_cost,
    }
    if template_id is not None or values:
        asked["message"]["template"] = template(template_id, values)
    if article_file is not None:
        asked["message"]["article"] = article(article_file)
    settings = beside_up(data_dir)

    async def run() -> "CampaignOut":
        from govchat.cli.opened import opened

        async with opened(settings) as registry:
            return await draft_from(registry, slug, asked, sheet_file, picture, send_at, person(who))

    told(asyncio.run(run()), json_)


@campaign.command()
@click.argument("slug")
@click.argument("campaign_id", type=click.UUID)
@data_dir_option
@json_option
def estimate(slug: str, campaign_id: UUID, data_dir: Path, json_: bool) -> None:
    """Show what sending would mean now.

    Recipients, ways, cost, time; who is left out and why.
    """
    from govchat.campaigns.estimate import estimate as estimating

    found = inside(data_dir, slug, lambda session, vault, tenant: estimating(session, vault, tenant, campaign_id))
    estimated(found, json_)


@campaign.command()
@click.argument("slug")
@click.argument("campaign_id", type=click.UUID)
@click.option("--to", "users", multiple=True, metavar="USER_ID", help="Testers by Zalo's id.  [all testers]")
@as_option
@data_dir_option
def test(slug: str, campaign_id: UUID, users: tuple[str, ...], who: str | None, data_dir: Path) -> None:
    """Send it to testers alone, at once."""
    from govchat.campaigns.try_out import try_out

    settings = beside_up(data_dir)
    tried = inside(
        data_dir,
        slug,
        lambda session, vault, tenant: try_out(
            session,
            vault,
            tenant,
            campaign_id,
            users or None,
            actor=person(who),
            allow_insecure=not settings.is_production,
        ),
    )
    click.echo(f"đang gửi {tried.queued}, không gửi {tried.skipped}, giả lập {tried.simulated}")


def _steering(name: str, what: str) -> None:
    """A command that carries out one act of `campaigns.steer`."""

    @campaign.command(name, help=what)
    @click.argument("slug")
    @click.argument("campaign_id", type=click.UUID)
    @as_option
    @data_dir_option
    @json_option
    def command(slug: str, campaign_id: UUID, who: str | None, data_dir: Path, json_: bool) -> None:
        from govchat.campaigns import queries, steer

        async def act(session: "AsyncSession", vault: "TenantVault", tenant: "Tenant") -> "CampaignOut":
            row = await getattr(steer, name)(session, tenant.id, campaign_id, actor=person(who))
            return await queries.show(session, vault, tenant.id, row)

        told(inside(data_dir, slug, act), json_)


for _name, _what in (
    (
        "approve",
        "Approve somebody else's draft.\n\nIt begins now, or at its time. --as has to name another person than the draft's.",
    ),
    ("start", "Begin a scheduled campaign now."),
    ("pause", "Stop planning and sending."),
    ("resume", "Go on where it was paused."),
    ("cancel", "End it for good."),
):
    _steering(_name, _what)


@campaign.command()
@click.argument("slug")
@click.argument("campaign_id", type=click.UUID)
@click.option("--follow", is_flag=True, help="Show a progress bar until it has ended.")
@data_dir_option
@json_option
def show(slug: str, campaign_id: UUID, follow: bool, data_dir: Path, json_: bool) -> None:
    """Show a campaign with its counts."""
    from govchat.campaigns import queries

    async def act(session: "AsyncSession", vault: "TenantVault", tenant: "Tenant") -> "CampaignOut":
        return await queries.get(session, vault, tenant.id, campaign_id)

    if follow:
        asyncio.run(_follow(data_dir, slug, act))
    told(inside(data_dir, slug, act), json_)


async def _follow(data_dir: Path, slug: str, act: "Act[CampaignOut]") -> None:
    """One line that is written over, until the campaign can't move by itself any more."""
    from govchat.cli.opened import opened

    async with opened(beside_up(data_dir)) as registry:
        began, first = time.monotonic(), None
        while True:
            shown = await in_one(registry, slug, act)
            done = handled(shown.counts)
            first = done if first is None else first
            line = progress(shown, rate=(done - first) / max(time.monotonic() - began, 0.001))
            click.echo(f"\r{line}\x1b[K", nl=False, err=True)
            if shown.state not in ("approved", "scheduled", "running"):
                click.echo(err=True)
                return
            await asyncio.sleep(FOLLOW_S)


@campaign.command("list")
@click.argument("slug")
@click.option("--most", type=click.IntRange(1, 200), default=20, show_default=True)
@data_dir_option
@json_option
def list_(slug: str, most: int, data_dir: Path, json_: bool) -> None:
    """List campaigns, newest first."""
    from govchat.campaigns import queries
    from govchat.cli.show import as_json, as_table, moment

    page = inside(
        data_dir, slug, lambda session, vault, tenant: queries.page(session, vault, tenant.id, cursor=None, limit=most)
    )
    if json_:
        as_json(page.items)
        return
    as_table(
        ("MÃ", "TRẠNG THÁI", "LOẠI", "SOẠN LÚC", "ĐÃ GỬI", "TỔNG", "TÊN"),
        [
            (
                str(one.id), state_of(one.state), class_of(one.class_), moment(one.created_at), str(one.counts.sent),
                str(one.counts.total), one.name,
            )
            for one in page.items
        ],
    )  # fmt: skip


@campaign.command()
@click.argument("slug")
@click.option("--most-unsent", type=click.IntRange(min=1), help="Expansion waits while more than this is unsent.")
@click.option(
    "--emergency-by",
    multiple=True,
    metavar="ACTOR",
    help="Who may approve emergencies: key:PREFIX, cli:NAME, or the role scope:campaigns:emergency (keys with that scope).",
)
@click.option("--emergency-by-all", is_flag=True, help="Every approver may approve emergencies again.")
@as_option
@data_dir_option
@json_option
def settings(
    slug: str,
    most_unsent: int | None,
    emergency_by: tuple[str, ...],
    emergency_by_all: bool,
    who: str | None,
    data_dir: Path,
    json_: bool,
) -> None:
    """Show or change what the province has settled."""
    from govchat.campaigns import arrange
    from govchat.campaigns.steer import EMERGENCY_ROLE
    from govchat.cli.show import as_json

    for named_one in emergency_by:
        if not named_one.startswith(("key:", "cli:")) and named_one != EMERGENCY_ROLE:
            raise click.BadParameter(
                f'"{named_one}": cần key:PREFIX, cli:NAME hoặc {EMERGENCY_ROLE}', param_hint="--emergency-by"
            )

    async def act(session: "AsyncSession", _: "TenantVault", tenant: "Tenant") -> arrange.Settled:
        if most_unsent is None and not emergency_by and not emergency_by_all:
            return await arrange.settings_of(session, tenant.id)
        named: list[str] | None = [] if emergency_by_all else list(emergency_by) or None
        return await arrange.settle(session, tenant.id, most_unsent=most_unsent, emergency_by=named, actor=person(who))

    settled = inside(data_dir, slug, act)
    if json_:
        as_json(settled)
        return
    click.echo(f"most_unsent   {settled.most_unsent}")
    click.echo(f"emergency_by  {', '.join(settled.emergency_by) or 'mọi người được duyệt'}")
