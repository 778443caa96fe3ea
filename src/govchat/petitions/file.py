"""Filing a petition from the chat, in the transaction of the citizen's event: row, photos, first event, callback.

The caller has fetched and kept the photos before (`files.keep.keep`, no connection held); here they get their owner.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.errors import DomainError
from govchat.files import keep
from govchat.files.keep import Kept
from govchat.kit import clock
from govchat.kit.clock import VN
from govchat.kit.crypto import TenantVault
from govchat.kit.ids import new_id
from govchat.kit.workdays import Calendar, national
from govchat.petitions import change, codes
from govchat.petitions.judge import LONGEST, MOST_PHOTOS, flags_of
from govchat.petitions.models import KINDS, PetitionRow
from govchat.petitions.private import Private, seal, unseal
from govchat.petitions.rules import rules_of

# The same words again within this time are the same petition: a button tapped twice, a message sent again.
SAME_WITHIN = timedelta(hours=24)


class PetitionLimit(DomainError):
    """One citizen has filed as many petitions today as a day takes."""

    status = 429
    code = "petition_limit"
    title = "Too many petitions in a day"


class PetitionUnfit(DomainError):
    """What was told makes no petition."""

    status = 422
    code = "petition_unfit"
    title = "That makes no petition"


class New(msgspec.Struct, frozen=True, kw_only=True):
    """What a citizen tells. `anonymous`: the handling office is not shown who they are."""

    kind: str
    text: str
    category: str
    commune: str | None = None
    place: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    name: str | None = None
    phone: str | None = None
    anonymous: bool = False


class Filed(msgspec.Struct, frozen=True, kw_only=True):
    """A petition as the citizen is told of it; times are ends of office hours. `due_is_legal`: the number of days is the law's."""

    id: UUID
    code: str
    received_at: datetime
    forward_by: datetime
    due_at: datetime
    due_is_legal: bool
    is_new: bool


async def file(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    new: New,
    *,
    photos: Sequence[Kept] = (),
    photos_of: str = "",
    calendar: Calendar | None = None,
    at: datetime | None = None,
) -> Filed:
    """File it, with photos just kept and those of the owner `photos_of`; the same words again within a day answer the one that is there.

    Raises `PetitionLimit`, `PetitionUnfit`.
    """
    now = at or clock.now()
    _check(new, photos)
    rules = await rules_of(session, tenant_id, new.kind, now)
    recent = await _recent(session, tenant_id, citizen_id, now - SAME_WITHIN)
    for row in recent:
        before = unseal(vault, row.id, row.private_sealed)
        if row.kind == new.kind and before is not None and before.text == new.text:
            return _filed(row, rules.legal_answer, is_new=False)
    _check_day(recent, now, rules.most_a_day)
    petition_id = new_id()
    forward_by, due_at = rules.dates(calendar or national(), now)
    row = PetitionRow(
        tenant_id=tenant_id,
        id=petition_id,
        code=codes.new(),
        kind=new.kind,
        citizen_id=citizen_id,
        category=new.category,
        commune=new.commune,
        state="received",
        unit=None,
        flags=flags_of(new.kind, new.text, name=new.name, anonymous=new.anonymous),
        private_sealed=seal(vault, petition_id, _private(new)),
        received_at=now,
        forward_by=forward_by,
        due_at=due_at,
        reopened=0,
        last_event=0,
    )
    session.add(row)
    await session.flush()
    await _own_photos(session, tenant_id, owner_of(petition_id), photos, photos_of)
    await change.move(session, vault, row, "created", actor="citizen", at=now)
    return _filed(row, rules.legal_answer, is_new=True)


async def _own_photos(
    session: AsyncSession, tenant_id: UUID, owner: str, photos: Sequence[Kept], photos_of: str
) -> None:
    for photo in photos:
        await keep.own(session, tenant_id, photo, owner=owner, delete_after=None)
    if photos_of:
        await keep.hand_over(session, tenant_id, photos_of, to=owner)


def owner_of(petition_id: UUID) -> str:
    """Whose the photos are, for `files`."""
    return f"petition:{petition_id}"


def _private(new: New) -> Private:
    return Private(
        text=new.text, place=new.place, latitude=new.latitude, longitude=new.longitude, name=new.name, phone=new.phone
    )


def _check(new: New, photos: Sequence[Kept]) -> None:
    if new.kind not in KINDS:
        raise PetitionUnfit(f'kind "{new.kind}": expected one of {", ".join(KINDS)}')
    if not new.text.strip() or len(new.text) > LONGEST:
        raise PetitionUnfit(f"the text has {len(new.text)} characters: expected 1 to {LONGEST}")
    if len(photos) > MOST_PHOTOS:
        raise PetitionUnfit(f"{len(photos)} photos: at most {MOST_PHOTOS} are taken")


def _check_day(recent: Sequence[PetitionRow], now: datetime, most: int) -> None:
    midnight = now.astimezone(VN).replace(hour=0, minute=0, second=0, microsecond=0)
    if sum(row.received_at >= midnight for row in recent) >= most:
        raise PetitionLimit(f"{most} petitions were filed today: the next one tomorrow")


async def _recent(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, since: datetime) -> list[PetitionRow]:
    # One citizen files one at a time, whatever two processes do.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"petition:{citizen_id}", 0))))
    found = await session.scalars(
        select(PetitionRow).where(
            PetitionRow.tenant_id == tenant_id, PetitionRow.citizen_id == citizen_id, PetitionRow.received_at >= since
        )
    )
    return list(found)


def _filed(row: PetitionRow, legal: bool, *, is_new: bool) -> Filed:
    return Filed(
        id=row.id,
        code=row.code,
        received_at=row.received_at,
        forward_by=row.forward_by,
        due_at=row.due_at,
        due_is_legal=legal,
        is_new=is_new,
    )
