"""`govchat explain`: the whole story of one message, as `GET /v1/messages/{id}` tells it."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from govchat.cli.settings import beside_up, data_dir_option

if TYPE_CHECKING:
    from govchat.notices.schemas import Decided, Story, Told
    from govchat.settings import Settings

# The ways to a citizen in words; in JSON they go by their names.
WAYS = {
    "cs": "in the chat within 48 hours",
    "cs_paid": "in the chat until the 7th day, billed",
    "uid": "by template to the user id",
    "phone": "by template to the telephone number",
}


@click.command()
@click.argument("asked", metavar="ID")
@click.option("--tenant", "slug", required=True, metavar="SLUG", help="The province that said it.")
@data_dir_option
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def explain(asked: str, slug: str, data_dir: Path, json_: bool) -> None:
    """Tell why and how the message or notice ID was said.

    Cause, consent, window, quiet hours, budget, waits, attempts, Zalo's answers, receipts, in Vietnamese time. Words, names and telephone
    numbers are left out. Given a dossier's code, it lists what was told of that dossier, with the ids.
    """
    from govchat.cli.show import as_json

    try:
        message_id = UUID(asked)
    except ValueError:
        _of_dossier(data_dir, slug, asked, json_)
        return
    story = asyncio.run(_explain(beside_up(data_dir), slug, message_id))
    if json_:
        as_json(story)
        return
    for line in told(story):
        click.echo(line)


def _of_dossier(data_dir: Path, slug: str, code: str, json_: bool) -> None:
    from govchat.cli import notice
    from govchat.cli.show import as_json
    from govchat.dossiers.codes import CodeInvalid, normalise
    from govchat.errors import ConfigurationError
    from govchat.notices import queries

    try:
        key = normalise(code)
    except CodeInvalid:
        raise ConfigurationError(
            f'"{code}": cần mã của một tin hay một thông báo, hoặc mã hồ sơ; xem cả hai bằng `govchat notice list {slug}`'
        ) from None
    found = notice.inside(data_dir, slug, lambda session, tenant: queries.of_dossier(session, tenant, key))
    if json_:
        as_json(found)
    elif not found:
        click.echo(f"chưa báo ai về {key}: không ai theo dõi hồ sơ này, hoặc từ đó chưa có gì thay đổi")
    else:
        notice.told(found)
        click.echo(f"xem chuyện của từng thông báo: govchat explain MÃ --tenant {slug}")


def told(story: "Story") -> list[str]:
    """The story in lines for people."""
    lines = _decision(story.decision) if story.decision else []
    for number, message in enumerate(story.messages, 1):
        lines += ["", f"message {number} of {len(story.messages)}: {message.id}", *_message(message)]
    if not story.messages:
        lines += ["", "no message was put"]
    return lines


def _decision(decided: "Decided") -> list[str]:
    hours = decided.hours_since_interaction
    # Of a channel that Zalo refused, the refusal says more than that it was tried.
    refused = {one.channel for one in decided.against if one.why.startswith("Zalo refused")}
    refused |= {"cs_paid"} if "cs" in refused else set()
    against = [
        f"  not {WAYS.get(one.channel, one.channel)}: {one.why}"
        for one in decided.against
        if one.why != "tried before" or one.channel not in refused
    ]
    merged = f"; takes in the changes {', '.join(map(str, decided.merged))}" if decided.merged else ""
    into = f", merged into {decided.merged_into}" if decided.merged_into else ""
    return [
        f"notice {decided.notice_id}: {decided.kind}, {decided.state}{into}",
        f"  cause: change {decided.change_number} of dossier {decided.dossier_code}{merged}",
        f"  consent: {decided.consent}; follows by {decided.followed_by}",
        f"  window: {'never interacted' if hours is None else f'last interaction {hours:g} hours before'}"
        f"; paid window {'on' if decided.paid_window else 'off'}",
        f"  quiet hours: {decided.quiet_hours}{', urgent' if decided.urgent else ''}{', held' if decided.held else ''}",
        f"  budget: {decided.budget_left} đồng left, this costs {decided.cost}",
        *against,
        f"  channel: {WAYS.get(decided.channel or '', 'none')}, because: {decided.reason}",
        f"  words: {'the product’s' if not decided.wording_version else f'version {decided.wording_version}'}",
        f"  planned {_at(decided.planned_at)}, due {_at(decided.due_at)}",
    ]


def _message(message: "Told") -> list[str]:
    lines = [
        f"  {message.lane}, {message.state}" + (f", settled by {message.settled_by}" if message.settled_by else ""),
        f"  cause: {message.cause}, {_at(message.caused_at)}",
        f"  put {_at(message.created_at)}, due {_at(message.due_at)}"
        + ("" if message.waited_s is None else f", waited {message.waited_s:g} s for its turn and Zalo's limits"),
    ]
    if message.channel:
        template = f" with template {message.template_id}" if message.template_id else ""
        lines.append(
            f"  {WAYS.get(message.channel, message.channel)}{template}, {message.cost or 0} đồng"
            + (f" {message.money}" if message.money and message.cost else "")
        )
    for each in message.attempts:
        code = f" ({each.zalo_code})" if each.zalo_code is not None else ""
        lines.append(
            f"  attempt {each.number} {_at(each.started_at)}: {each.outcome}{code}{f': {each.answer}' if each.answer else ''}"
        )
    if message.accepted_after_s is not None:
        lines.append(f"  accepted by Zalo {message.accepted_after_s:g} s after its cause, as {message.zalo_message_id}")
    lines.append(f"  delivered {_at(message.delivered_at)}, seen {_at(message.seen_at)}")
    return lines


def _at(at: datetime | None) -> str:
    from govchat.cli.show import moment

    return moment(at)


async def _explain(settings: "Settings", slug: str, message_id: UUID) -> "Story":
    from govchat.cli.opened import opened
    from govchat.notices.explain import explain as explain_

    async with opened(settings) as registry:
        tenant = registry.by_slug(slug)
        async with registry.db.tenant(tenant.id) as session:
            return await explain_(session, tenant.id, message_id)
