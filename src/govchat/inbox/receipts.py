"""Receipts: echoes of what we said, delivered, seen, and every event that asks for no answer; worked off in bulk for many tenants."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from govchat.campaigns import label
from govchat.errors import DomainError
from govchat.handoff.mute import mute
from govchat.inbox.meaning import by_hand, echo_of
from govchat.inbox.put import body_context
from govchat.kit.crypto import SealBroken
from govchat.notices import receipts as notices
from govchat.notices import templates
from govchat.outbox.settle import note_echoes
from govchat.tenants.registry import Registry, Tenant
from govchat.zalo import events
from govchat.zalo.header import Event

log = structlog.get_logger()

AT_ONCE = 200

LOOK = "SELECT * FROM receipts_look($1, $2)"
NOTE = "SELECT receipts_note($1, $2, $3, $4, $5)"
DONE = "SELECT receipts_done($1, $2)"


class Heard(msgspec.Struct):
    """What a batch of receipts says, sorted by who wants to know."""

    echoes: list[tuple[UUID, str, str, bytes]] = msgspec.field(default_factory=list)
    receipts: list[tuple[UUID, notices.ReceiptRow]] = msgspec.field(default_factory=list)
    account: list[tuple[UUID, Event]] = msgspec.field(default_factory=list)
    by_hand: dict[UUID, list[tuple[str, datetime]]] = msgspec.field(default_factory=dict)


async def work_off(registry: Registry, tenants: Sequence[Tenant]) -> list[UUID]:
    """Work off up to `AT_ONCE` receipts of each tenant; answers the tenant of each."""
    rows = await registry.db.rows(LOOK, [tenant.id for tenant in tenants], AT_ONCE)
    if not rows:
        return []
    heard = Heard()
    for row in rows:
        if row["event_name"].startswith("oa_send_") or row["event_name"] in notices.HEARD | label.HEARD:
            await _hear(registry, row, heard)
    # `done` comes last: whoever dies in between does the rest again, which changes nothing.
    settled = await note_echoes(registry.db, heard.echoes)
    await _note_receipts(registry, heard.receipts)
    for tenant_id, event in heard.account:
        async with registry.db.tenant(tenant_id) as session:
            _ = await templates.note_event(session, tenant_id, event) or await label.note_event(
                session, tenant_id, event
            )
    for tenant_id, wrote in heard.by_hand.items():
        async with registry.db.tenant(tenant_id) as session:
            await mute(session, tenant_id, wrote)
    await registry.db.call(DONE, [row["tenant_id"] for row in rows], [row["id"] for row in rows])
    if settled:
        log.info("inbox.echoes_settled", messages=settled)
    return [row["tenant_id"] for row in rows]


async def _hear(registry: Registry, row: Any, heard: Heard) -> None:
    """Sort one event; one that can't be read is logged and done with."""
    tenant = await registry.by_id(row["tenant_id"])
    try:
        vault = await registry.tenant_vault(tenant.id)
        event = events.decode(vault.open(row["body_sealed"], body_context(row["id"])))
        echo = echo_of(vault, event)
    except (SealBroken, ValueError, DomainError) as error:  # without its echo a message is settled by history
        log.error("inbox.receipt_unreadable", tenant=tenant.slug, event_id=str(row["id"]), reason=str(error))
        return
    if (wrote := by_hand(event)) is not None:
        heard.by_hand.setdefault(tenant.id, []).append(wrote)
    elif echo is not None:
        heard.echoes.append((tenant.id, *echo))
    elif row["event_name"].startswith("change_") or row["event_name"] in label.HEARD:
        heard.account.append((tenant.id, event))
    else:
        heard.receipts.extend((tenant.id, receipt) for receipt in notices.rows_of(event))


async def _note_receipts(registry: Registry, heard: Sequence[tuple[UUID, notices.ReceiptRow]]) -> None:
    """Write them down; those from which more follows go to the notices."""
    if not heard:
        return
    places = await registry.db.call(
        NOTE,
        [tenant_id for tenant_id, _ in heard],
        [receipt.zalo_message_id for _, receipt in heard],
        [receipt.tracking_id for _, receipt in heard],
        [receipt.seen for _, receipt in heard],
        [receipt.at for _, receipt in heard],
    )
    told: dict[UUID, list[notices.ReceiptRow]] = defaultdict(list)
    for place in places or ():
        tenant_id, receipt = heard[place - 1]
        told[tenant_id].append(receipt)
    for tenant_id, receipts in told.items():
        vault = await registry.tenant_vault(tenant_id)
        async with registry.db.tenant(tenant_id) as session:
            await notices.note_receipts(session, vault, tenant_id, receipts)
