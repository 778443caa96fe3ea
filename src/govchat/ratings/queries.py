"""Reading ratings for the offices they speak of, and noting that somebody looked at a poor one."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.dossiers.models import DossierRow
from govchat.errors import DomainError
from govchat.kit import clock, paging
from govchat.kit.crypto import TenantVault
from govchat.ratings.give import comment_context
from govchat.ratings.models import RatingRow
from govchat.ratings.schemas import RatingOut, RatingPage

LIST = "ratings"


class RatingNotFound(DomainError):
    """This province has no rating of that id."""

    status = 404
    code = "rating_not_found"
    title = "No such rating"


async def page(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    *,
    cursor: str | None,
    limit: int = paging.DEFAULT_LIMIT,
    alerts: bool = False,
) -> RatingPage:
    """Ratings in the order of their rows; with `alerts` the poor ones that nobody has looked at. Raises `CursorInvalid`."""
    row = RatingRow
    wanted = (
        select(row, DossierRow.code)
        .join(DossierRow, (DossierRow.tenant_id == row.tenant_id) & (DossierRow.id == row.dossier_id))
        .where(row.tenant_id == tenant_id, row.state == "given")
        .order_by(row.id)
        .limit(limit + 1)
    )
    if alerts:
        wanted = wanted.where(row.poor, row.seen_at.is_(None))
    if cursor is not None:
        wanted = wanted.where(row.id > _uuid(cursor))
    rows = (await session.execute(wanted)).all()
    more = paging.encode(LIST, str(rows[limit - 1][0].id)) if len(rows) > limit else None
    return RatingPage([_out(vault, one, code) for one, code in rows[:limit]], more)


async def seen(session: AsyncSession, tenant_id: UUID, rating_id: UUID, *, actor: str) -> None:
    """Somebody looks after it; saying so again changes nothing. Raises `RatingNotFound`."""
    row = RatingRow
    known = await session.scalar(select(row.id).where(row.tenant_id == tenant_id, row.id == rating_id))
    if known is None:
        raise RatingNotFound(f'rating "{rating_id}" is not known here: GET /v1/ratings lists those that are')
    changed = await session.scalar(
        update(row)
        .where(row.tenant_id == tenant_id, row.id == rating_id, row.seen_at.is_(None))
        .values(seen_at=clock.now(), seen_by=actor)
        .returning(row.id)
    )
    if changed is not None:
        await note(session, tenant_id, actor=actor, act="rating.seen", subject=f"rating:{rating_id}")


def _uuid(cursor: str) -> UUID:
    key = paging.decode(LIST, cursor)
    try:
        return UUID(key)
    except ValueError:
        raise paging.CursorInvalid(f'cursor "{cursor[:80]}" is damaged: begin without one') from None


def _out(vault: TenantVault, row: RatingRow, code: str) -> RatingOut:
    assert row.level is not None
    assert row.given_at is not None
    sealed = row.comment_sealed
    return RatingOut(
        id=row.id,
        dossier_code=code,
        unit=row.unit,
        procedure_code=row.procedure_code,
        level=row.level,
        levels=row.levels,
        about_time=row.about_time,
        about_attitude=row.about_attitude,
        about_clarity=row.about_clarity,
        extra_costs=row.extra_costs,
        reasons=list(row.reasons),
        comment=vault.open(sealed, comment_context(row.id)).decode() if sealed else None,
        poor=row.poor,
        given_at=row.given_at,
        seen_at=row.seen_at,
        seen_by=row.seen_by,
    )
