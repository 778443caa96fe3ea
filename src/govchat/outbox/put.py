"""Putting words into the outbox, in the transaction of their cause.

Each message gets its final id here; its dedupe key makes putting the same words for the same cause twice harmless.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.zalo import outgoing


class Lane(IntEnum):
    """What goes first within a province."""

    REPLY = 0
    NOTICE = 1
    STAFF = 2
    CAMPAIGN = 3


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One message to put. `cause` reads `event:<id>`, `dossier:<code>#<number>`; `due_at` None means now."""

    citizen_id: UUID
    message: outgoing.Outgoing
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


def _hash(vault: TenantVault, message: outgoing.Outgoing) -> bytes:
    # Empty where no echo can be recognised: it equals no hash.
    said = outgoing.echoed_text(message)
    return b"" if said is None else echo_hash(vault, said)


class Sealed(msgspec.Struct, frozen=True):
    """What the table keeps of a message's words, under the message's id."""

    id: UUID
    body: bytes
    echo_hash: bytes


def seal(vault: TenantVault, message: outgoing.Outgoing) -> Sealed:
    """A message under its final id."""
    message_id = new_id()
    return Sealed(message_id, vault.seal(outgoing.encode(message), body_context(message_id)), _hash(vault, message))


PUT = text(
    """
    INSERT INTO outbox_messages
      (tenant_id, id, lane, dedupe_key, cause, caused_at, due_at, citizen_id, body_sealed, echo_hash)
    SELECT :tenant, d.id, d.lane, d.key, d.cause, d.caused_at, coalesce(d.due_at, clock_timestamp()), d.citizen, d.body, d.hash
    FROM unnest(
      CAST(:ids AS uuid[]), CAST(:lanes AS smallint[]), CAST(:keys AS text[]), CAST(:causes AS text[]),
      CAST(:caused AS timestamptz[]), CAST(:dues AS timestamptz[]), CAST(:citizens AS uuid[]), CAST(:bodies AS bytea[]),
      CAST(:hashes AS bytea[])
    ) WITH ORDINALITY AS d(id, lane, key, cause, caused_at, due_at, citizen, body, hash, place)
    ORDER BY d.place
    ON CONFLICT (tenant_id, dedupe_key) DO NOTHING
    RETURNING id
    """
)


async def put(session: AsyncSession, vault: TenantVault, tenant_id: UUID, drafts: Sequence[Draft]) -> int:
    """Put the messages, in order; answers how many were new."""
    if not drafts:
        return 0
    sealed = [seal(vault, draft.message) for draft in drafts]
    put_ = await session.execute(
        PUT,
        {
            "tenant": tenant_id,
            "ids": [each.id for each in sealed],
            "lanes": [int(draft.lane) for draft in drafts],
            "keys": [draft.dedupe_key for draft in drafts],
            "causes": [draft.cause for draft in drafts],
            "caused": [draft.caused_at for draft in drafts],
            "dues": [draft.due_at for draft in drafts],
            "citizens": [draft.citizen_id for draft in drafts],
            "bodies": [each.body for each in sealed],
            "hashes": [each.echo_hash for each in sealed],
        },
    )
    return len(put_.all())
