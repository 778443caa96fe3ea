"""Erasing what is kept about a citizen, kind by kind; each is one transaction, may be repeated, and says what it has to wait for.

The citizen's row stays without the person: audit, consent evidence and requests go on pointing at it and name nobody.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.files import keep
from govchat.petitions.change import ENDS
from govchat.petitions.file import owner_of
from govchat.petitions.models import PetitionRow
from govchat.privacy.items import Who


async def dossiers(session: AsyncSession, tenant_id: UUID, who: Who) -> list[str]:
    """Subscriptions, proofs and failed guesses go; dossiers are the one-stop system's."""
    for sql in (
        "DELETE FROM dossier_followers WHERE tenant_id = :tenant AND citizen_id = :citizen",
        "DELETE FROM dossier_proofs WHERE tenant_id = :tenant AND citizen_id = :citizen",
    ):
        await _do(session, tenant_id, sql, citizen=who.citizen_id)
    failures = "DELETE FROM lookup_failures WHERE tenant_id = :tenant AND subject = :subject"
    await _do(session, tenant_id, failures, subject=f"c:{who.citizen_id}")
    return []


async def petitions(session: AsyncSession, tenant_id: UUID, who: Who) -> list[str]:
    """Words, photos and person of those that ended; open ones are waited for: the law wants them answered."""
    rows = await session.scalars(
        select(PetitionRow)
        .where(PetitionRow.tenant_id == tenant_id, PetitionRow.citizen_id == who.citizen_id)
        .order_by(PetitionRow.id)
        .with_for_update()
    )
    waits = []
    for row in rows.all():
        if row.state not in ENDS:
            waits.append(f"petition {row.code}")
            continue
        await unname_petition(session, tenant_id, row.id)
    return waits


async def unname_petition(session: AsyncSession, tenant_id: UUID, petition_id: UUID) -> None:
    """Leave of a petition its code, office and dates; its photos go with the next sweep of files."""
    for sql in (
        "UPDATE petitions SET private_sealed = NULL, citizen_id = NULL WHERE tenant_id = :tenant AND id = :id",
        "UPDATE petition_events SET told_sealed = NULL WHERE tenant_id = :tenant AND petition_id = :id",
    ):
        await _do(session, tenant_id, sql, id=petition_id)
    await keep.let_go(session, tenant_id, owner_of(petition_id))


async def ratings(session: AsyncSession, tenant_id: UUID, who: Who) -> list[str]:
    """Person and comment go, the figures stay."""
    sql = "UPDATE ratings SET citizen_id = NULL, comment_sealed = NULL WHERE tenant_id = :tenant AND citizen_id = :citizen"
    await _do(session, tenant_id, sql, citizen=who.citizen_id)
    return []


async def conversation(session: AsyncSession, tenant_id: UUID, who: Who) -> list[str]:
    """Where the conversation stood is forgotten, with photos that wait for a petition's words."""
    sql = (
        "UPDATE stored_files SET delete_after = clock_timestamp()"
        " WHERE tenant_id = :tenant AND starts_with(owner, 'petition-draft:' || CAST(:citizen AS text) || ':')"
    )
    await _do(session, tenant_id, sql, citizen=str(who.citizen_id))
    await _do(
        session,
        tenant_id,
        "DELETE FROM conversations WHERE tenant_id = :tenant AND citizen_id = :citizen",
        citizen=who.citizen_id,
    )
    return []


async def handoffs(session: AsyncSession, tenant_id: UUID, who: Who) -> list[str]:
    """Who spoke with them is forgotten."""
    await _do(
        session,
        tenant_id,
        "DELETE FROM handoffs WHERE tenant_id = :tenant AND citizen_id = :citizen",
        citizen=who.citizen_id,
    )
    return []


async def messages(session: AsyncSession, tenant_id: UUID, who: Who) -> list[str]:
    """What waits is not said; what was said keeps its fate without its words. A message under way is waited for."""
    given = {"citizen": who.citizen_id}
    await _do(
        session, tenant_id,
        "UPDATE outbox_messages SET state = 'skipped', finished_at = clock_timestamp(), settled_by = 'erased'"
        " WHERE tenant_id = :tenant AND citizen_id = :citizen AND state = 'queued'",
        **given,
    )  # fmt: skip
    await _do(
        session, tenant_id,
        "UPDATE outbox_messages SET body_sealed = '', echo_hash = '' WHERE tenant_id = :tenant AND citizen_id = :citizen"
        " AND body_sealed IS NOT NULL AND (state IN ('sent', 'failed', 'skipped') OR settled_by IS NOT NULL)",
        **given,
    )  # fmt: skip
    left = await session.scalar(
        text(
            "SELECT count(*) FROM outbox_messages WHERE tenant_id = :tenant AND citizen_id = :citizen"
            " AND state IN ('queued', 'sending', 'uncertain') AND settled_by IS NULL"
        ),
        {"tenant": tenant_id, **given},
    )
    return [f"{left} message(s) under way"] if left else []


async def notices(session: AsyncSession, tenant_id: UUID, who: Who) -> list[str]:
    """That somebody was told stays, what they were told goes."""
    sql = "UPDATE notices SET facts_sealed = '' WHERE tenant_id = :tenant AND citizen_id = :citizen"
    await _do(session, tenant_id, sql, citizen=who.citizen_id)
    return []


async def inbox(session: AsyncSession, tenant_id: UUID, who: Who) -> list[str]:
    """What they wrote goes; what is not worked off yet is waited for."""
    sql = "DELETE FROM inbox_events WHERE tenant_id = :tenant AND user_id = :user AND state <> 'pending'"
    await _do(session, tenant_id, sql, user=who.zalo_user_id)
    left = await session.scalar(
        text("SELECT count(*) FROM inbox_events WHERE tenant_id = :tenant AND user_id = :user AND state = 'pending'"),
        {"tenant": tenant_id, "user": who.zalo_user_id},
    )
    return [f"{left} event(s) not worked off"] if left else []


async def profile(session: AsyncSession, tenant_id: UUID, who: Who) -> list[str]:
    """The row names nobody any more; whoever writes again is somebody new."""
    given = {"citizen": who.citizen_id}
    for table in ("citizen_phones", "citizen_blocks", "citizen_labels", "audience_members", "promotion_days"):
        # Names of ours, no values: SQL has no parameter for a table.
        sql = f"DELETE FROM {table} WHERE tenant_id = :tenant AND citizen_id = :citizen"  # noqa: S608
        await _do(session, tenant_id, sql, **given)
    for table in ("tenant_testers", "trial_declined"):
        sql = f"DELETE FROM {table} WHERE tenant_id = :tenant AND zalo_user_id = :user"  # noqa: S608
        await _do(session, tenant_id, sql, user=who.zalo_user_id)
    await _do(
        session, tenant_id,
        "UPDATE citizens SET zalo_user_id = 'erased:' || id, user_id_by_app = NULL, follows = false, follow_changed_at = NULL,"
        " last_interaction_at = NULL, phone_index = NULL, phone_shared_at = NULL, muted_until = NULL"
        " WHERE tenant_id = :tenant AND id = :citizen",
        **given,
    )  # fmt: skip
    return []


async def _do(session: AsyncSession, tenant_id: UUID, sql: str, **given: Any) -> None:
    await session.execute(text(sql), {"tenant": tenant_id, **given})
