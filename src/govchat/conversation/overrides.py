"""A province's own words over the product's: read for every conversation, set by admins and files, checked before they are kept.

Rows of `tenant_wordings` are versions and only added. `Wordings` keeps each tenant's wording in memory for a few seconds, so that an
edit is heard everywhere without a restart.
"""

import difflib
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.conversation.models import TenantWordingRow
from govchat.conversation.wording import KEYS, Wording, vietnamese
from govchat.conversation.wording_flaws import flaw_of
from govchat.db.session import Database
from govchat.errors import DomainError
from govchat.kit import clock

log = structlog.get_logger()

RELOAD_S = 15.0

TEXTS = "SELECT tenant, key, said FROM wordings_of($1)"

Source = Literal["file", "admin"]


class WordingRefused(DomainError):
    """That sentence can't be said to citizens."""

    status = 422
    code = "wording_refused"
    title = "The wording can't be used"


class WordingRaced(DomainError):
    """Somebody else edited the sentence at the same moment."""

    status = 409
    code = "wording_raced"
    title = "The wording was edited by somebody else"


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a province's sentence; without text it is the product's again."""

    key: str
    version: int
    text: str | None
    source: Source
    edited_by: str
    edited_at: datetime


class Wordings:
    """Each tenant's wording in memory, read again when it is older than `RELOAD_S`; one a process."""

    def __init__(self) -> None:
        self._kept: dict[UUID, tuple[float, Wording]] = {}

    async def of(self, session: AsyncSession, tenant_id: UUID) -> Wording:
        """The wording to speak in, given a session of that tenant."""
        kept = self._kept.get(tenant_id)
        now = time.monotonic()
        if kept is not None and now - kept[0] < RELOAD_S:
            return kept[1]
        wording = wording_of(tenant_id, await edits(session, tenant_id))
        self._kept[tenant_id] = (now, wording)
        return wording


def wording_of(tenant_id: UUID, edited: Mapping[str, Edit]) -> Wording:
    """The product's wording with the province's sentences in their places; one that no longer fits its key stays out."""
    return laid_over(tenant_id, {key: edit.text for key, edit in edited.items()})


def laid_over(tenant_id: UUID, texts: Mapping[str, str | None]) -> Wording:
    """`wording_of` by the sentences alone; None is the product's."""
    own: dict[str, str] = {}
    for key, text in texts.items():
        if text is None:
            continue
        if flaw_of(key, text) is None:
            own[key] = text
        else:  # the product changed since; a citizen must not meet a sentence with a hole
            log.warning("wording.ignored", tenant_id=str(tenant_id), key=key)
    return Wording({**vietnamese().texts, **own}) if own else vietnamese()


async def texts_of(db: Database, tenant_ids: Sequence[UUID]) -> dict[UUID, dict[str, str | None]]:
    """The newest text of every sentence that these tenants ever had in their own words, in one round trip."""
    found: dict[UUID, dict[str, str | None]] = {tenant_id: {} for tenant_id in tenant_ids}
    for tenant_id, key, said in await db.rows(TEXTS, tenant_ids):
        found[tenant_id][key] = said
    return found


async def edits(session: AsyncSession, tenant_id: UUID) -> dict[str, Edit]:
    """The newest version of every sentence that this tenant ever had in its own words."""
    row = TenantWordingRow
    newest = (
        select(row).ext(distinct_on(row.key)).where(row.tenant_id == tenant_id).order_by(row.key, row.version.desc())
    )
    return {found.key: _edit(found) for found in await session.scalars(newest)}


async def history(session: AsyncSession, tenant_id: UUID, key: str) -> list[Edit]:
    """Every version of one sentence, newest first."""
    row = TenantWordingRow
    found = select(row).where(row.tenant_id == tenant_id, row.key == key).order_by(row.version.desc())
    return [_edit(each) for each in await session.scalars(found)]


async def set_wording(
    session: AsyncSession, tenant_id: UUID, key: str, text: str | None, *, actor: str, source: Source = "admin"
) -> bool:
    """Say `key` in these words from now on, or in the product's again (None); answers whether that changes anything.

    Noted in the audit trail. Raises `WordingRefused` with every reason, `WordingRaced`.
    """
    sound = None if text is None else sound_text(key, text)
    refuse_unknown(key)
    before = (await edits(session, tenant_id)).get(key)
    if sound == (before.text if before else None):
        return False
    await add_version(session, tenant_id, key, sound, before=before, actor=actor, source=source)
    await note(
        session,
        tenant_id,
        actor=actor,
        act="wording.set",
        subject=key,
        before=before.text if before else None,
        after=sound,
    )
    return True


async def add_version(
    session: AsyncSession,
    tenant_id: UUID,
    key: str,
    text: str | None,
    *,
    before: Edit | None,
    actor: str,
    source: Source,
) -> None:
    """Add a checked sentence as the version after `before`; raises `WordingRaced`."""
    values = {
        "tenant_id": tenant_id,
        "key": key,
        "version": before.version + 1 if before else 1,
        "text": text,
        "source": source,
        "edited_by": actor,
        "edited_at": clock.now(),
    }
    try:
        await session.execute(insert(TenantWordingRow).values(values))
    except IntegrityError:
        raise WordingRaced(f'"{key}" was edited by somebody else just now: look at it again, then repeat') from None


def refuse_unknown(key: str) -> None:
    """Raise `WordingRefused` for a key that the product doesn't have."""
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, n=1)
        way_out = f'có phải ý là "{near[0]}"?' if near else "xem danh sách bằng: govchat wording show SLUG"
        raise WordingRefused(f'không có câu nào mang khóa "{key[:60]}"; {way_out}')


def sound_text(key: str, text: str) -> str:
    """The sentence as it is kept; raises `WordingRefused`."""
    refuse_unknown(key)
    flaw = flaw_of(key, text)
    if flaw is not None:
        raise WordingRefused(f'"{key}": {flaw}')
    return text.strip()


def _edit(row: TenantWordingRow) -> Edit:
    return msgspec.convert(row, Edit, from_attributes=True)
