"""`govchat tenant status`, `confirm` and `move`: a province's checklist, what people confirm of it, and its state."""

import asyncio
import logging
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from govchat.onboarding.checklist import Checklist
    from govchat.onboarding.line import Line
    from govchat.settings import Settings
    from govchat.tenants.registry import Registry, Tenant

json_option = click.option("--json", "json_", is_flag=True, help="Print JSON.")

WIDTH = 100
INDENT = " " * 9
MARKS = {"green": ("[XANH]", "green"), "amber": ("[VÀNG]", "yellow"), "red": ("[ĐỎ]", "red")}


@click.command()
@click.argument("slug")
@click.option("--offline", is_flag=True, help="Don't ask Zalo about the Official Account; go by its last answer.")
@data_dir_option
@json_option
def status(slug: str, offline: bool, data_dir: Path, json_: bool) -> None:
    """Show SLUG's checklist: what is there, what is missing.

    Each line is green, amber or red and names the next action. A province can't go live while a line is red. Asks Zalo about the Official
    Account first; that may renew its access token.
    """
    from govchat.cli.show import as_json

    told = asyncio.run(_status(beside_up(data_dir), slug, offline))
    if json_:
        as_json(told)
    else:
        click.echo("\n".join(page(told)))


@click.command()
@click.argument("slug")
@click.argument("line")
@click.option("--by", default=None, help="Who answers for it.  [default: the user who runs this]")
@click.option("--note", default="", help="What it rests on, such as the number of a document.")
@click.option("--withdraw", is_flag=True, help="Take the confirmation back.")
@data_dir_option
def confirm(slug: str, line: str, by: str | None, note: str, withdraw: bool, data_dir: Path) -> None:
    """Confirm a LINE of SLUG's checklist as done.

    For what Zalo shows to people alone: app, api, domain, callback, permissions, link, zbs, package, and data_record. What Zalo refuses
    stays red all the same. It is noted in the audit trail.
    """
    asyncio.run(_confirm(beside_up(data_dir), slug, line, by, note, withdraw))
    click.echo(f"{slug}: {'đã rút xác nhận' if withdraw else 'đã ghi nhận'} {line}")


@click.command()
@click.argument("slug")
@click.argument("state", type=click.Choice(["draft", "trial", "live", "suspended", "closed"]))
@click.option(
    "--override", metavar="REASON", default=None, help="Go live in spite of red lines; the reason is audited."
)
@data_dir_option
def move(slug: str, state: str, override: str | None, data_dir: Path) -> None:
    """Move SLUG to another STATE.

    draft: events are kept, nobody is answered. trial: testers alone get messages. live: everybody is served. suspended: like draft, for
    a province that was serving. closed: for good. Running processes follow at once,
    within ten seconds while Redis is away.
    """
    from govchat.tenants.states import MEANING

    before = asyncio.run(_move(beside_up(data_dir), slug, state, override))
    click.echo(f"{slug}: {before} → {state} ({MEANING[state]})")


def page(told: "Checklist") -> list[str]:
    """The checklist as lines of at most 100 columns."""
    from govchat.onboarding.line import moment
    from govchat.tenants.states import MEANING

    lines = [f"{told.name} ({told.slug})", f"Trạng thái: {told.state}, {MEANING[told.state]}"]
    lines += [f"Kiểm tra lúc {moment(told.checked_at)}: {told.green} xanh, {told.amber} vàng, {len(told.red)} đỏ", ""]
    if told.env == "development":
        lines[-1:] = ["Môi trường phát triển: Zalo là bản giả lập, việc chỉ có trên Zalo thật ghi vàng thay vì đỏ.", ""]
    for line in told.lines:
        lines += _shown(line)
    return [*lines, "", *textwrap.wrap(_ending(told), WIDTH)]


def _shown(line: "Line") -> list[str]:
    mark, colour = MARKS[line.colour.value]
    head = textwrap.wrap(
        f"{line.title} ({line.key}): {line.says}",
        WIDTH,
        initial_indent=INDENT,
        subsequent_indent=INDENT,
        break_long_words=False,
    )
    head[0] = click.style(mark.ljust(len(INDENT)), fg=colour) + head[0][len(INDENT) :]
    if line.todo:
        head += textwrap.wrap(
            f"→ {line.todo}", WIDTH, initial_indent=INDENT, subsequent_indent=INDENT + "  ", break_long_words=False
        )
    return head


def _ending(told: "Checklist") -> str:
    """What follows for the province's state."""
    red = f"{len(told.red)} dòng đỏ ({', '.join(told.red)})"
    match told.state:
        case "live":
            return f"Đang vận hành với {red}: xử lý sớm." if told.red else "Đang vận hành, không có dòng đỏ."
        case "closed":
            return "Đã đóng: không chuyển sang trạng thái khác được."
        case "draft":
            return f"Bước tiếp theo: chạy thử với người thử: govchat tenant move {told.slug} trial"
    if told.red:
        return f"Chưa vận hành được: còn {red}."
    return f"Không còn dòng đỏ. Bước tiếp theo: govchat tenant move {told.slug} live"


async def _status(settings: "Settings", slug: str, offline: bool) -> "Checklist":
    from govchat.cli.opened import opened
    from govchat.onboarding.checklist import read
    from govchat.procedures.book import Book

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        if not offline and tenant.state != "closed":  # whose key may be destroyed, and nothing is awaited of Zalo
            await _ask(settings, registry, tenant)
        catalogue = await Book(registry.db, registry).fresh(tenant.id)
        async with registry.db.tenant(tenant.id) as session:
            return await read(session, settings, tenant, catalogue)


async def _ask(settings: "Settings", registry: "Registry", tenant: "Tenant") -> None:
    from govchat.onboarding.ask import ask
    from govchat.tenants.credentials import Credentials
    from govchat.zalo.client import ZaloClient

    async with ZaloClient.open(
        openapi_url=settings.zalo_openapi_url,
        oauth_url=settings.zalo_oauth_url,
        business_url=settings.zalo_business_url,
        connections=2,
    ) as zalo:
        credentials = Credentials(registry, zalo.http, settings.zalo_oauth_url)
        try:
            with _unlogged():
                await ask(registry, credentials, zalo, tenant)
        finally:
            await credentials.finish()


@contextmanager
def _unlogged() -> Iterator[None]:
    """What rooms log belongs to processes: on standard output it would stand in the middle of what this prints."""
    import structlog

    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


async def _confirm(settings: "Settings", slug: str, line: str, by: str | None, note: str, withdraw: bool) -> None:
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.onboarding import confirm as lines

    async with opened(settings) as registry:
        tenant, who = registry.by_slug(slug), actor()
        async with registry.db.tenant(tenant.id) as session:
            if withdraw:
                await lines.withdraw(session, tenant, line, actor=who)
            else:
                name = who.partition(":")[2] if by is None else by
                await lines.confirm(session, tenant, line, by=name, note=note, actor=who)


async def _move(settings: "Settings", slug: str, state: str, override: str | None) -> str:
    from govchat.cli.actor import actor
    from govchat.cli.opened import opened
    from govchat.onboarding.go_live import move as go
    from govchat.procedures.book import Book

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        if state == "live":
            await _ask(settings, registry, tenant)
        catalogue = await Book(registry.db, registry).fresh(tenant.id)
        async with registry.db.tenant(tenant.id) as session:
            return await go(session, settings, tenant, state, catalogue=catalogue, actor=actor(), override=override)
