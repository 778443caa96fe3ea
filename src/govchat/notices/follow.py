"""Following a dossier (theo dõi hồ sơ): by proof in the chat, or linked at the counter with consent; ended by one message.

Following is consent to status notices, with its evidence; ending the last one withdraws it, and what still waits to be said is not said.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.citizens import consent
from govchat.kit.crypto import TenantVault
from govchat.notices.models import DossierFollowerRow

How = Literal["secret", "phone", "counter"]
HUSH = timedelta(minutes=10)

# The proofs are the dossiers' (see dossiers.lookup); one counts while what it rested on stands.
PROVEN = text(
    """
    SELECT p.dossier_id, d.code, p.proved_by, p.proof_hash
    FROM dossier_proofs p
    JOIN dossiers d ON d.tenant_id = p.tenant_id AND d.id = p.dossier_id
    JOIN citizens c ON c.tenant_id = p.tenant_id AND c.id = p.citizen_id
    WHERE p.tenant_id = :tenant AND p.citizen_id = :citizen AND (CAST(:key AS text) IS NULL OR d.code_key = :key)
      AND ((p.proved_by = 'secret' AND d.secret_hash = p.proof_hash)
        OR (p.proved_by = 'phone' AND d.phone_index = p.proof_hash AND c.phone_index = p.proof_hash))
    ORDER BY p.proved_at DESC LIMIT 1
    """
)

FOLLOWED = text(
    """
    SELECT f.dossier_id, d.code, f.how, f.since FROM dossier_followers f
    JOIN dossiers d ON d.tenant_id = f.tenant_id AND d.id = f.dossier_id
    WHERE f.tenant_id = :tenant AND f.citizen_id = :citizen AND f.ended_at IS NULL
    ORDER BY f.since DESC, d.code
    """
)

FOLLOWERS = text(
    """
    SELECT f.citizen_id, f.how, f.since, f.actor, starts_with(c.zalo_user_id, 'tel:'), coalesce(s.state = 'granted', false)
    FROM dossier_followers f
    JOIN citizens c ON c.tenant_id = f.tenant_id AND c.id = f.citizen_id
    LEFT JOIN consents s ON s.tenant_id = f.tenant_id AND s.citizen_id = f.citizen_id AND s.purpose = 'status'
    WHERE f.tenant_id = :tenant AND f.dossier_id = :dossier AND f.ended_at IS NULL
    ORDER BY f.since, f.citizen_id
    """
)

END = text(
    """
    WITH ended AS (
      UPDATE dossier_followers f SET ended_at = :at, ended_by = :by
      FROM dossiers d
      WHERE f.tenant_id = :tenant AND f.citizen_id = :citizen AND f.ended_at IS NULL AND d.tenant_id = f.tenant_id AND d.id = f.dossier_id
        AND (CAST(:key AS text) IS NULL OR d.code_key = :key)
      RETURNING f.dossier_id
    ), unsaid AS (
      UPDATE notices n SET state = 'withheld', reason = 'the citizen ended the subscription'
      FROM ended e, outbox_messages m
      WHERE n.tenant_id = :tenant AND n.citizen_id = :citizen AND n.dossier_id = e.dossier_id AND n.state = 'planned'
        AND m.tenant_id = :tenant AND m.id = n.message_id AND m.state = 'queued'
      RETURNING n.message_id
    ), skipped AS (
      UPDATE outbox_messages m SET state = 'skipped', finished_at = :at, settled_by = 'unsubscribed'
      FROM unsaid u WHERE m.tenant_id = :tenant AND m.id = u.message_id AND m.state = 'queued'
    )
    SELECT count(*) FROM ended
    """
)


class Followed(msgspec.Struct, frozen=True):
    """A dossier this citizen follows."""

    dossier_id: UUID
    code: str
    how: str
    since: datetime


class Follower(msgspec.Struct, frozen=True):
    """Somebody who follows a dossier, without name and number. `by_phone`: known by telephone number alone."""

    id: UUID
    how: str
    since: datetime
    actor: str | None
    by_phone: bool
    consented: bool


async def subscribe(
    session: AsyncSession,
    tenant_id: UUID,
    citizen_id: UUID,
    *,
    at: datetime,
    evidence: str,
    key: str | None = None,
) -> Followed | None:
    """Follow the dossier with the normalised code `key`, else the one last proven; None when this citizen has proved none.

    `evidence` reads `event:<id>`: the message by which they asked for it.
    """
    proven = (await session.execute(PROVEN, {"tenant": tenant_id, "citizen": citizen_id, "key": key})).one_or_none()
    if proven is None:
        return None
    await _follow(
        session, tenant_id, citizen_id, proven.dossier_id, how=proven.proved_by, proof=proven.proof_hash, at=at
    )
    await consent.give(session, tenant_id, citizen_id, "status", how="chat", at=at, evidence=evidence)
    return Followed(proven.dossier_id, proven.code, proven.proved_by, at)


async def link(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    dossier_id: UUID,
    phone: str,
    *,
    actor: str,
    at: datetime,
    evidence: str,
    agrees_to: Sequence[consent.Purpose] = (),
) -> UUID:
    """The counter links an applicant who agreed, by telephone number; answers the citizen. Raises `PhoneInvalid`.

    The number is kept, sealed, to be written to; `evidence` names the signed slip or the officer's record of the consent, to status
    notices and to what else it `agrees_to`.
    """
    citizen_id, number = await consent.know_phone(session, vault, tenant_id, phone, at=at)
    await consent.keep_phone(session, vault, tenant_id, citizen_id, number, how="counter", at=at, evidence=evidence)
    purposes: tuple[consent.Purpose, ...] = ("status", *agrees_to)
    for purpose in purposes:
        await consent.give(session, tenant_id, citizen_id, purpose, how="counter", at=at, evidence=evidence)
    await _follow(session, tenant_id, citizen_id, dossier_id, how="counter", proof=None, at=at, actor=actor)
    await note(
        session,
        tenant_id,
        actor=actor,
        act="dossier.linked",
        subject=f"dossier:{dossier_id}",
        after={"evidence": evidence, "agrees_to": list(agrees_to)},
    )
    return citizen_id


async def _follow(
    session: AsyncSession,
    tenant_id: UUID,
    citizen_id: UUID,
    dossier_id: UUID,
    *,
    how: How,
    proof: bytes | None,
    at: datetime,
    actor: str | None = None,
) -> None:
    made = insert(DossierFollowerRow).values(
        tenant_id=tenant_id,
        dossier_id=dossier_id,
        citizen_id=citizen_id,
        how=how,
        proof_hash=proof,
        actor=actor,
        since=at,
    )
    again: dict[str, Any] = {"how": how, "proof_hash": proof, "actor": actor, "ended_at": None, "ended_by": None}
    await session.execute(
        made.on_conflict_do_update(index_elements=["tenant_id", "dossier_id", "citizen_id"], set_=again)
    )


async def unlink(
    session: AsyncSession,
    tenant_id: UUID,
    citizen_id: UUID,
    key: str,
    *,
    actor: str,
    at: datetime,
    evidence: str,
) -> bool:
    """The counter ends it for somebody who asked there; False when they don't follow the dossier with the normalised code `key`.

    However they came to follow; `evidence` names the officer's record of the wish.
    """
    ended = await unsubscribe(session, tenant_id, citizen_id, at=at, evidence=evidence, key=key, how="counter")
    if ended:
        subject, after = f"dossier:{key}", {"citizen": citizen_id, "evidence": evidence}
        await note(session, tenant_id, actor=actor, act="dossier.unlinked", subject=subject, after=after)
    return bool(ended)


async def unsubscribe(
    session: AsyncSession,
    tenant_id: UUID,
    citizen_id: UUID,
    *,
    at: datetime,
    evidence: str,
    key: str | None = None,
    how: consent.How = "chat",
) -> int:
    """End following the dossier with the normalised code `key`, or all of them; answers how many were followed.

    When none is left, consent to status notices and to being written to by number is withdrawn, and the number forgotten.
    """
    asked = {"tenant": tenant_id, "citizen": citizen_id, "key": key, "at": at, "by": evidence}
    ended = int(await session.scalar(END, asked) or 0)
    if how == "counter" and not ended:
        return 0  # a mistaken number must not silence somebody else
    if key is None or not await following(session, tenant_id, citizen_id):
        await consent.withdraw(session, tenant_id, citizen_id, "status", how=how, at=at, evidence=evidence)
        if (told := (await consent.of(session, tenant_id, citizen_id)).get("phone")) is not None and told.granted:
            await consent.withdraw(session, tenant_id, citizen_id, "phone", how=how, at=at, evidence=evidence)
    return ended


async def following(session: AsyncSession, tenant_id: UUID, citizen_id: UUID) -> list[Followed]:
    """What this citizen follows, newest first."""
    rows = await session.execute(FOLLOWED, {"tenant": tenant_id, "citizen": citizen_id})
    return [Followed(row.dossier_id, row.code, row.how, row.since) for row in rows.all()]


async def followers(session: AsyncSession, tenant_id: UUID, dossier_id: UUID) -> list[Follower]:
    """Who follows a dossier, in the order in which they came."""
    rows = await session.execute(FOLLOWERS, {"tenant": tenant_id, "dossier": dossier_id})
    return [Follower(*row) for row in rows.all()]


async def hush(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, dossier_id: UUID, *, now: datetime) -> None:
    """This citizen is causing a change in the chat (a withdrawal, a supplement): for ten minutes they need not be told of it."""
    await session.execute(
        text(
            "UPDATE dossier_followers SET hushed_until = :until"
            " WHERE tenant_id = :tenant AND dossier_id = :dossier AND citizen_id = :citizen"
        ),
        {"tenant": tenant_id, "dossier": dossier_id, "citizen": citizen_id, "until": now + HUSH},
    )
