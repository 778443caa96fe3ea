"""What a citizen adds to their petition while it is open: photos, the place, commune, name, category, a word more.

In the transaction of the citizen's event; the office hears of it (`petition.added`). Also what is kept before a petition is filed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.errors import DomainError
from govchat.files import keep
from govchat.files.keep import Kept
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.petitions.categories import OTHER, categories
from govchat.petitions.change import PetitionNotFound, allow, held, move
from govchat.petitions.file import PetitionUnfit, owner_of
from govchat.petitions.judge import LONGEST, MOST_PHOTOS, flags_of
from govchat.petitions.models import PetitionRow
from govchat.petitions.private import Private, Told, seal, unseal

# What is kept for a petition that is never filed goes after this.
DRAFT_KEPT = timedelta(hours=3)
LONGEST_NAME = 120


class PetitionFull(DomainError):
    """A petition, or what is kept for one, has as many photos as it takes."""

    status = 409
    code = "petition_full"
    title = "The petition has as many photos as it takes"


class More(msgspec.Struct, frozen=True, kw_only=True):
    """What is added; what is None or False stays as it is. `anonymous`: the handling office is not to see who speaks."""

    photo: Kept | None = None
    place: tuple[float, float] | None = None
    commune: str | None = None
    name: str | None = None
    anonymous: bool = False
    category: str | None = None
    note: str | None = None


class Holds(msgspec.Struct, frozen=True, kw_only=True):
    """What an open petition holds by now, without a word of it, and what could still be asked, in the order to ask."""

    code: str
    kind: str
    category: str
    commune: str | None
    photos: int
    has_place: bool
    wants: tuple[str, ...]


async def add(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    code: str,
    more: More,
    *,
    at: datetime | None = None,
) -> Holds:
    """Add to one's own open petition; nothing given only looks. Raises `PetitionNotFound`, `PetitionMoveRefused`, `PetitionFull`,
    `PetitionUnfit`."""
    row = await held(session, tenant_id, code)
    if row.citizen_id != citizen_id:
        raise PetitionNotFound(f'petition "{code[:40]}" is none of this citizen: look at the codes they were given')
    allow(row, "added")
    photos = await keep.count(session, tenant_id, owner_of(row.id))
    if more != More():
        _check(more)
        if more.photo is not None:
            if photos >= MOST_PHOTOS:
                raise PetitionFull(f"petition {row.code} has {photos} photos: more are not taken")
            await keep.own(session, tenant_id, more.photo, owner=owner_of(row.id), delete_after=None)
            photos += 1
        _write(vault, row, more)
        await move(session, vault, row, "added", actor="citizen", at=at or clock.now(), told=Told(note=more.note))
    return holds(vault, row, photos)


def holds(vault: TenantVault, row: PetitionRow, photos: int) -> Holds:
    """What a petition of so many photos holds, and lacks."""
    private = unseal(vault, row.id, row.private_sealed) or Private(text="")
    has_place = private.latitude is not None
    return Holds(
        code=row.code,
        kind=row.kind,
        category=row.category,
        commune=row.commune,
        photos=photos,
        has_place=has_place,
        wants=wants(
            row.kind, row.category, row.commune, named=_is_named(row, private), shown=bool(photos) or has_place
        ),
    )


def wants(kind: str, category: str, commune: str | None, *, named: bool, shown: bool) -> tuple[str, ...]:
    """What to ask for, in order. A scene is shown, conduct and rules want a name (Decree 20/2008); everything may be left out."""
    asked = []
    if kind != "scene" and not named:
        asked.append("name")
    if kind == "scene" and not shown:
        asked.append("photos")
    if kind != "proposal" and not commune:
        asked.append("commune")
    if category == OTHER:
        asked.append("category")
    return tuple(asked)


async def drop_photo(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    citizen_id: UUID,
    code: str,
    *,
    at: datetime | None = None,
) -> Holds | None:
    """Let the newest photo of one's own open petition go: sent by mistake, or a paper that nobody asked for. None when it has none.

    Raises `PetitionNotFound`, `PetitionMoveRefused`.
    """
    row = await held(session, tenant_id, code)
    if row.citizen_id != citizen_id:
        raise PetitionNotFound(f'petition "{code[:40]}" is none of this citizen: look at the codes they were given')
    allow(row, "added")
    if not await keep.let_go_newest(session, tenant_id, owner_of(row.id)):
        return None
    await move(session, vault, row, "added", actor="citizen", at=at or clock.now(), told=Told(note=None))
    return holds(vault, row, await keep.count(session, tenant_id, owner_of(row.id)))


async def drop_held_photo(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, draft: int) -> int | None:
    """The same for a petition whose words are still awaited; answers how many photos are left, None when there was none."""
    owner = draft_owner(citizen_id, draft)
    if not await keep.let_go_newest(session, tenant_id, owner):
        return None
    return await keep.count(session, tenant_id, owner)


async def hold_photo(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, draft: int, photo: Kept) -> int:
    """Keep a photo for a petition whose words are still awaited; answers how many there are. Raises `PetitionFull`."""
    owner = draft_owner(citizen_id, draft)
    photos = await keep.count(session, tenant_id, owner)
    if photos >= MOST_PHOTOS:
        raise PetitionFull(f"{photos} photos are kept for the petition: more are not taken")
    await keep.own(session, tenant_id, photo, owner=owner, delete_after=clock.now() + DRAFT_KEPT)
    return photos + 1


def draft_owner(citizen_id: UUID, draft: int) -> str:
    """Whose the photos are until the petition is filed; `draft` is when it was begun, in Unix seconds."""
    return f"petition-draft:{citizen_id}:{draft}"


def _write(vault: TenantVault, row: PetitionRow, more: More) -> None:
    private = unseal(vault, row.id, row.private_sealed) or Private(text="")
    latitude, longitude = more.place or (private.latitude, private.longitude)
    private = msgspec.structs.replace(
        private, latitude=latitude, longitude=longitude, name=(more.name or "").strip() or private.name
    )
    anonymous = more.anonymous or "anonymous" in row.flags
    own = flags_of(row.kind, private.text, name=private.name, anonymous=anonymous)
    row.flags = sorted({*own, *(flag for flag in row.flags if flag not in ("nameless", "anonymous"))})
    row.commune = (more.commune or "").strip() or row.commune
    row.category = more.category or row.category
    row.private_sealed = seal(vault, row.id, private)


def _is_named(row: PetitionRow, private: Private) -> bool:
    return bool(private.name) or "anonymous" in row.flags


def _check(more: More) -> None:
    known = [one.key for one in categories()]
    if more.category is not None and more.category not in known:
        raise PetitionUnfit(f'category "{more.category[:40]}": expected one of {", ".join(known)}')
    lengths: Sequence[tuple[str, str | None, int]] = (
        ("note", more.note, LONGEST),
        ("name", more.name, LONGEST_NAME),
        ("commune", more.commune, LONGEST_NAME),
    )
    for what, said, longest in lengths:
        if said is not None and len(said) > longest:
            raise PetitionUnfit(f"the {what} has {len(said)} characters: expected at most {longest}")
