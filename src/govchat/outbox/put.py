"""Putting words into the outbox, in the transaction of their cause.

Each message gets its final id here; its dedupe key makes putting the same words for the same cause twice harmless.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from uuid import UUID

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.outbox.models import OutboxMessageRow
from govchat.zalo import messages


class Lane(IntEnum):
    """What goes first within a province."""

    REPLY = 0
    NOTICE = 1
    STAFF = 2
    CAMPAIGN = 3


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One message to put. `cause` reads `event:<id>`, `dossier:<code>#<number>`; `due_at` None means now."""

    citizen_id: UUID
    message: messages.CsMessage
    lane: Lane
    dedupe_key: str
    cause: str
    caused_at: datetime
    due_at: datetime | None = None


def body_context(message_id: UUID) -> str:
    """Where a message's body stands, for sealing."""
    return f"outbox_messages.body/{message_id}"


def echo_hash(vault: TenantVault, text: str) -> bytes:
    """What recognises Zalo's echo of a text."""
    return vault.index(" ".join(text.split()), "echo")


async def put(session: AsyncSession, vault: TenantVault, tenant_id: UUID, drafts: Sequence[Draft]) -> int:
    """Put the messages, in order; answers how many were new."""
    if not drafts:
        return 0
    rows = []
    for draft in drafts:
        message_id = new_id()
        row = {
            "tenant_id": tenant_id,
            "id": message_id,
            "lane": int(draft.lane),
            "dedupe_key": draft.dedupe_key,
            "cause": draft.cause,
            "caused_at": draft.caused_at,
            "citizen_id": draft.citizen_id,
            "body_sealed": vault.seal(messages.encode(draft.message), body_context(message_id)),
            "echo_hash": echo_hash(vault, draft.message.plain_text),
        }
        if draft.due_at is not None:
            row["due_at"] = draft.due_at
        rows.append(row)
    statement = insert(OutboxMessageRow).on_conflict_do_nothing(index_elements=["tenant_id", "dedupe_key"])
    result = await session.execute(statement.returning(OutboxMessageRow.id), rows)
    return len(result.all())
