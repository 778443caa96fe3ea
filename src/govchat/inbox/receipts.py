"""Receipts: echoes of what we said, delivered, seen, and every event that asks for no answer; worked off in bulk for many tenants."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog

from govchat.inbox.meaning import echo_of
from govchat.inbox.put import body_context
from govchat.kit.crypto import SealBroken
from govchat.outbox.settle import note_echoes
from govchat.tenants.registry import Registry, Tenant
from govchat.zalo import events

log = structlog.get_logger()

AT_ONCE = 200

LOOK = "SELECT * FROM receipts_look($1, $2)"

DONE = "SELECT receipts_done($1, $2)"


async def work_off(registry: Registry, tenants: Sequence[Tenant]) -> list[UUID]:
    """Work off up to `AT_ONCE` receipts of each tenant; answers the tenant of each."""
    rows = await registry.db.rows(LOOK, [tenant.id for tenant in tenants], AT_ONCE)
    if not rows:
        return []
    echoes = []
    for row in rows:
        if row["event_name"].startswith("oa_send_"):
            echo = await _echo(registry, row)
            if echo is not None:
                echoes.append(echo)
    # In this order: whoever dies in between does the first again, which changes nothing.
    settled = await note_echoes(registry.db, echoes)
    await registry.db.call(DONE, [row["tenant_id"] for row in rows], [row["id"] for row in rows])
    if settled:
        log.info("inbox.echoes_settled", messages=settled)
    return [row["tenant_id"] for row in rows]


async def _echo(registry: Registry, row: Any) -> tuple[UUID, str, str, bytes] | None:
    tenant = await registry.by_id(row["tenant_id"])
    vault = await registry.tenant_vault(tenant.id)
    try:
        echo = echo_of(vault, events.decode(vault.open(row["body_sealed"], body_context(row["id"]))))
    except (SealBroken, ValueError) as error:  # without its echo a message is settled by history
        log.error("inbox.echo_unreadable", tenant=tenant.slug, event_id=str(row["id"]), reason=str(error))
        return None
    return (tenant.id, *echo) if echo else None
