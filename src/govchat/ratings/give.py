"""Giving a rating: by whoever proved or follows the dossier, once it has its result, one for each dossier.

A tap is the rating; reasons and the questions behind it may follow within a day. A poor one alerts the office.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.callbacks.put import put as put_callback
from govchat.dossiers import codes
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.ratings.models import RatingRow
from govchat.ratings.scale import is_poor, reasons
from govchat.ratings.settings import settings_of

MAY_CHANGE_FOR = timedelta(days=1)
LONGEST_COMMENT = 1000

# Refused and stopped ones have their result, too.
DOSSIER = text(
    """
    SELECT d.id, d.code, d.unit, d.procedure_code, d.status IN (3, 8, 9, 10) AS ended,
           EXISTS (SELECT FROM dossier_proofs p
                   WHERE p.tenant_id = :tenant AND p.dossier_id = d.id AND p.citizen_id = :citizen
                     AND p.proof_hash IN (d.secret_hash, d.phone_index))
           OR EXISTS (SELECT FROM dossier_followers f
                      WHERE f.tenant_id = :tenant AND f.dossier_id = d.id AND f.citizen_id = :citizen AND f.ended_at IS NULL
                        AND (f.how <> 'phone' OR f.proof_hash = d.phone_index)) AS entitled
    FROM dossiers d WHERE d.tenant_id = :tenant AND d.code_key = :key
    """
)


CODE = text("SELECT code FROM dossiers WHERE tenant_id = :tenant AND id = :id")

RATEABLE = text(
    """
    SELECT d.code FROM dossiers d
    WHERE d.tenant_id = :tenant AND d.status IN (3, 8, 9, 10) AND d.id IN (
      SELECT f.dossier_id FROM dossier_followers f JOIN dossiers o ON o.tenant_id = :tenant AND o.id = f.dossier_id
      WHERE f.tenant_id = :tenant AND f.citizen_id = :citizen AND f.ended_at IS NULL
        AND (f.how <> 'phone' OR f.proof_hash = o.phone_index)
      UNION
      SELECT p.dossier_id FROM dossier_proofs p JOIN dossiers o ON o.tenant_id = :tenant AND o.id = p.dossier_id
      WHERE p.tenant_id = :tenant AND p.citizen_id = :citizen AND p.proof_hash IN (o.secret_hash, o.phone_index))
      AND NOT EXISTS (SELECT FROM ratings r WHERE r.tenant_id = :tenant AND r.dossier_id = d.id AND r.state = 'given')
    ORDER BY d.changed_at DESC, d.code LIMIT 5
    """
)


# How long after a question a word or a number alone may answer it.
ASKED_FOR = timedelta(days=7)
INVITED = text(
    """
    SELECT d.code FROM ratings r JOIN dossiers d ON d.tenant_id = r.tenant_id AND d.id = r.dossier_id
    WHERE r.tenant_id = :tenant AND r.state = 'invited' AND r.invited_at > :since AND d.code = ANY(:codes)
    ORDER BY r.invited_at DESC
    """
)


class RatingRefused(DomainError):
    """This citizen can't rate this dossier now."""

    status = 409
    code = "rating_refused"
    title = "The dossier can't be rated"


class RatingUnfit(DomainError):
    """Not on the scale, or no known reason."""

    status = 422
    code = "rating_unfit"
    title = "That is no rating"


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A rating as it was taken."""

    dossier_id: UUID
    code: str
    unit: str
    level: int
    levels: int
    poor: bool


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What `rating.given`, `rating.poor` and `rating.explained` carry: no name, no comment."""

    id: UUID
    dossier_code: str
    unit: str
    level: int
    levels: int
    poor: bool
    reasons: list[str]
    at: datetime


async def scale_of(session: AsyncSession, tenant_id: UUID, dossier_id: UUID) -> int:
    """How many levels this dossier is rated on: as it was asked for, else as the province settled."""
    asked = await session.scalar(
        select(RatingRow.levels).where(RatingRow.tenant_id == tenant_id, RatingRow.dossier_id == dossier_id)
    )
    return asked or (await settings_of(session, tenant_id)).levels


async def may_rate(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, code: str) -> str | None:
    """Why this citizen can't rate this dossier now (`unknown`, `unproved`, `too_early`, `given`); None when they can."""
    row = await _dossier(session, tenant_id, citizen_id, code)
    if row is None or not row.entitled:
        return "unknown" if row is None else "unproved"
    if not row.ended:
        return "too_early"
    rated = RatingRow
    by = await session.scalar(
        select(rated.id).where(rated.tenant_id == tenant_id, rated.dossier_id == row.id, rated.state == "given")
    )
    return "given" if by is not None else None


async def levels_of(session: AsyncSession, tenant_id: UUID, code: str) -> int:
    """How many levels the dossier of a code is rated on."""
    key = codes.parse(code).key
    found = await session.scalar(
        text("SELECT id FROM dossiers WHERE tenant_id = :tenant AND code_key = :key"), {"tenant": tenant_id, "key": key}
    )
    return await scale_of(session, tenant_id, found) if found else (await settings_of(session, tenant_id)).levels


async def rateable(session: AsyncSession, tenant_id: UUID, citizen_id: UUID) -> list[str]:
    """The codes of this citizen's dossiers that have their result and no rating, the latest first, five at most."""
    found = await session.scalars(RATEABLE, {"tenant": tenant_id, "citizen": citizen_id})
    return list(found)


async def invited(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, at: datetime) -> list[str]:
    """Those among them for which a rating was asked lately and not given."""
    codes_ = await rateable(session, tenant_id, citizen_id)
    if not codes_:
        return []
    asked = await session.scalars(INVITED, {"tenant": tenant_id, "codes": codes_, "since": at - ASKED_FOR})
    return list(asked)


async def give(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    code: str,
    level: int,
    *,
    at: datetime | None = None,
) -> Given:
    """Rate it, or change one's own rating within a day. Raises `RatingRefused` with `why`, `RatingUnfit`, `CodeInvalid`."""
    now = at or clock.now()
    row = await _dossier(session, tenant_id, citizen_id, code)
    if row is None or not row.entitled:
        # Whoever guesses codes learns nothing: an unknown dossier and an unproved one are refused alike.
        raise RatingRefused("this citizen has not proved a dossier of that code", why="unproved")
    if not row.ended:
        raise RatingRefused(f"dossier {row.code} has no result yet", why="too_early")
    levels = await scale_of(session, tenant_id, row.id)
    if not 1 <= level <= levels:
        raise RatingUnfit(f"level {level}: expected 1 to {levels}")
    values = {
        "citizen_id": citizen_id, "state": "given", "level": level, "poor": is_poor(level, levels), "given_at": now,
        "seen_at": None, "seen_by": None,
    }  # fmt: skip
    made = insert(RatingRow).values(
        tenant_id=tenant_id, dossier_id=row.id, id=new_id(), unit=row.unit, procedure_code=row.procedure_code,
        levels=levels, **values,
    )  # fmt: skip
    own = (RatingRow.citizen_id == citizen_id) & (RatingRow.given_at > now - MAY_CHANGE_FOR)
    rated = await session.scalar(
        made.on_conflict_do_update(
            index_elements=["tenant_id", "dossier_id"], set_=values, where=(RatingRow.state == "invited") | own
        ).returning(RatingRow),
        execution_options={"populate_existing": True},
    )
    if rated is None:
        raise RatingRefused(f"dossier {row.code} was rated before: one rating a dossier", why="given")
    await _alert(session, vault, rated, row.code, "rating.given", now)
    if rated.poor:
        await _alert(session, vault, rated, row.code, "rating.poor", now)
    return Given(dossier_id=row.id, code=row.code, unit=row.unit, level=level, levels=levels, poor=rated.poor)


async def explain(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    dossier_id: UUID,
    *,
    because: Sequence[str] = (),
    about_time: int | None = None,
    about_attitude: int | None = None,
    about_clarity: int | None = None,
    extra_costs: bool | None = None,
    comment: str | None = None,
    at: datetime | None = None,
) -> Given | None:
    """Add to one's own rating within a day; answers the rating, None when there is none of theirs. Raises `RatingUnfit`."""
    now = at or clock.now()
    row = await session.scalar(
        select(RatingRow)
        .where(
            RatingRow.tenant_id == tenant_id, RatingRow.dossier_id == dossier_id, RatingRow.citizen_id == citizen_id,
            RatingRow.state == "given", RatingRow.given_at > now - MAY_CHANGE_FOR,
        )
        .with_for_update()
    )  # fmt: skip
    if row is None:
        return None
    known = {one.key for one in reasons()}
    if unknown := sorted(set(because) - known):
        raise RatingUnfit(f'reason "{unknown[0][:40]}": expected one of {", ".join(sorted(known))}')
    about = {"about_time": about_time, "about_attitude": about_attitude, "about_clarity": about_clarity}
    for name, level in about.items():
        if level is not None:
            if not 1 <= level <= row.levels:
                raise RatingUnfit(f"{name} {level}: expected 1 to {row.levels}")
            setattr(row, name, level)
    row.reasons = sorted({*row.reasons, *because})
    if extra_costs is not None or "extra_costs" in because:
        row.extra_costs = bool(extra_costs) or "extra_costs" in because
    if comment:
        row.comment_sealed = vault.seal(comment[:LONGEST_COMMENT].encode(), comment_context(row.id))
    await session.flush()
    code = str(await session.scalar(CODE, {"tenant": tenant_id, "id": dossier_id}))
    said_more = because or comment or extra_costs is not None or any(level is not None for level in about.values())
    if row.poor and said_more:
        await _alert(session, vault, row, code, "rating.explained", now)
    assert row.level is not None
    return Given(dossier_id=dossier_id, code=code, unit=row.unit, level=row.level, levels=row.levels, poor=row.poor)


def comment_context(rating_id: UUID) -> str:
    """Where a comment stands, for sealing."""
    return f"ratings.comment/{rating_id}"


async def _dossier(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, code: str) -> Row[Any] | None:
    key = codes.parse(code).key
    found = await session.execute(DOSSIER, {"tenant": tenant_id, "citizen": citizen_id, "key": key})
    return found.one_or_none()


async def _alert(session: AsyncSession, vault: TenantVault, row: RatingRow, code: str, kind: str, at: datetime) -> None:
    assert row.level is not None
    told = Alert(
        id=row.id, dossier_code=code, unit=row.unit, level=row.level, levels=row.levels, poor=row.poor,
        reasons=list(row.reasons), at=at,
    )  # fmt: skip
    await put_callback(session, vault, row.tenant_id, kind, told)
