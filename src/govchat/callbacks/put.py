"""Putting a message for every address that wants its kind, in the transaction of its cause."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id

TEST = "callback.test"

INSERT = """
    INSERT INTO callback_deliveries (tenant_id, endpoint_id, message_id, kind, body_sealed, state, due_at, created_at)
    SELECT e.tenant_id, e.id, CAST(:message AS uuid), CAST(:kind AS text), CAST(:body AS bytea),
      CASE e.state WHEN 'enabled' THEN 'queued' ELSE 'held' END, CAST(:due AS timestamptz), CAST(:now AS timestamptz)
    FROM callback_endpoints e
    WHERE e.tenant_id = :tenant
      AND {which}
    RETURNING endpoint_id
    """
# Literals of ours, no values: SQL has no parameter for a condition.
PUT = text(INSERT.format(which="(e.kinds = '{}' OR CAST(:kind AS text) = ANY (e.kinds))"))
PUT_MANY = text(
    """
    INSERT INTO callback_deliveries (tenant_id, endpoint_id, message_id, kind, body_sealed, state, due_at, created_at)
    SELECT e.tenant_id, e.id, m.id, m.kind, m.body, CASE e.state WHEN 'enabled' THEN 'queued' ELSE 'held' END, :now, :now
    FROM callback_endpoints e
    CROSS JOIN unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:bodies AS bytea[])) AS m(id, kind, body)
    WHERE e.tenant_id = :tenant AND (e.kinds = '{}' OR m.kind = ANY (e.kinds))
    RETURNING endpoint_id
    """
)
PUT_ONE = text(INSERT.format(which="e.id = :endpoint"))


class Message(msgspec.Struct, frozen=True):
    """What a receiver reads."""

    type: str
    timestamp: datetime
    data: Any


def body_context(message_id: UUID) -> str:
    """Where a body stands, for sealing."""
    return f"callback_deliveries.body/{message_id}"


def seal(vault: TenantVault, kind: str, body: object, now: datetime) -> tuple[UUID, bytes]:
    """A message's id, and what the table keeps of it."""
    message_id = new_id()
    return message_id, vault.seal(msgspec.json.encode(Message(kind, now, body)), body_context(message_id))


async def put(session: AsyncSession, vault: TenantVault, tenant_id: UUID, kind: str, body: object) -> int:
    """Tell the tenant's one-stop systems that `kind` (`notice.delivered`) happened; answers how many addresses will hear.

    `body` is JSON-able or a msgspec struct, and becomes `data`. One statement; nothing is sent here.
    """
    return await _put(session, vault, tenant_id, new_id(), kind, body, None)


async def put_many(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, messages: Sequence[tuple[str, object]]
) -> int:
    """`put` for many (kind, body) at once, in one statement; answers how many deliveries there will be."""
    if not messages:
        return 0
    now = clock.now()
    sealed = [seal(vault, kind, body, now) for kind, body in messages]
    values = {
        "tenant": tenant_id,
        "ids": [message_id for message_id, _ in sealed],
        "kinds": [kind for kind, _ in messages],
        "bodies": [body for _, body in sealed],
        "now": now,
    }
    return len((await session.execute(PUT_MANY, values)).all())


async def put_test(session: AsyncSession, vault: TenantVault, tenant_id: UUID, endpoint_id: UUID) -> UUID:
    """A message of kind `callback.test` for one address, whatever kinds it wants; answers its id."""
    message_id = new_id()
    await _put(session, vault, tenant_id, message_id, TEST, {"endpoint": endpoint_id}, endpoint_id)
    return message_id


async def _put(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    message_id: UUID,
    kind: str,
    body: object,
    endpoint_id: UUID | None,
) -> int:
    now = clock.now()
    sealed = vault.seal(msgspec.json.encode(Message(kind, now, body)), body_context(message_id))
    statement = PUT if endpoint_id is None else PUT_ONE
    # A test goes before whatever waits.
    due = now if endpoint_id is None else now - timedelta(days=30)
    values = {"tenant": tenant_id, "message": message_id, "kind": kind, "body": sealed, "now": now, "due": due}
    if endpoint_id is not None:
        values["endpoint"] = endpoint_id
    return len((await session.execute(statement, values)).all())
