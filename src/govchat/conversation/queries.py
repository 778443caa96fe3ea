"""Reading and writing where a conversation stands."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.conversation import state as states
from govchat.conversation.events import Mine

LOAD = text("SELECT state FROM conversations WHERE tenant_id = :tenant AND citizen_id = :citizen").columns(state=JSONB)

SAVE = text(
    """
    INSERT INTO conversations (tenant_id, citizen_id, state, updated_at)
    VALUES (:tenant, :citizen, CAST(:state AS jsonb), :now)
    ON CONFLICT (tenant_id, citizen_id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at
    """
)

# The proofs are the dossiers' (see dossiers.lookup), the followers the notices'; a proof counts while what it rested on stands.
MINE = text(
    """
    SELECT d.code, d.status, d.due_at, f.since IS NOT NULL AS followed
    FROM dossiers d
    JOIN citizens c ON c.tenant_id = :tenant AND c.id = :citizen
    LEFT JOIN dossier_followers f
      ON f.tenant_id = :tenant AND f.dossier_id = d.id AND f.citizen_id = :citizen AND f.ended_at IS NULL
    LEFT JOIN dossier_proofs p ON p.tenant_id = :tenant AND p.citizen_id = :citizen AND p.dossier_id = d.id
      AND ((p.proved_by = 'secret' AND d.secret_hash = p.proof_hash)
        OR (p.proved_by = 'phone' AND d.phone_index = p.proof_hash AND c.phone_index = p.proof_hash))
    WHERE d.tenant_id = :tenant AND (f.since IS NOT NULL OR p.proved_at IS NOT NULL) AND d.id IN (
      SELECT dossier_id FROM dossier_followers WHERE tenant_id = :tenant AND citizen_id = :citizen AND ended_at IS NULL
      UNION SELECT dossier_id FROM dossier_proofs WHERE tenant_id = :tenant AND citizen_id = :citizen)
    ORDER BY greatest(f.since, p.proved_at) DESC, d.code LIMIT 10
    """
)


async def load(session: AsyncSession, tenant_id: UUID, citizen_id: UUID) -> states.State:
    """The citizen's state; a fresh one when there is none or it can't be read any more."""
    stored = await session.scalar(LOAD, {"tenant": tenant_id, "citizen": citizen_id})
    return states.load(stored)


async def save(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, state: states.State, now: datetime) -> None:
    """Store the state."""
    built = msgspec.json.encode(states.dump(state)).decode()
    await session.execute(SAVE, {"tenant": tenant_id, "citizen": citizen_id, "state": built, "now": now})


async def mine(session: AsyncSession, tenant_id: UUID, citizen_id: UUID) -> tuple[Mine, ...]:
    """The dossiers that this citizen follows or has proved, the latest first, ten at most."""
    rows = await session.execute(MINE, {"tenant": tenant_id, "citizen": citizen_id})
    return tuple(Mine(row.code, row.status, row.due_at, row.followed) for row in rows.all())
