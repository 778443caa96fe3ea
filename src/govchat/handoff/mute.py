"""Keeping still while an officer has the word: begun by what they write by hand, ended by their silence or the citizen's wish.

`citizens.muted_until` is the whole of it for the hot path; `handoffs` tells how it came to that.
"""

import tomllib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.citizens.models import CitizenRow
from govchat.kit import clock
from govchat.kit.ids import new_id
from govchat.kit.text import clean, fold

# An officer's word that is older than the citizen's wish to have the bot back, read late, changes nothing.
MUTE = text(
    """
    WITH said AS (
      SELECT c.id AS citizen, max(w.at) AS at
      FROM unnest(CAST(:users AS text[]), CAST(:ats AS timestamptz[])) AS w(user_id, at)
      JOIN citizens c ON c.tenant_id = :tenant AND c.zalo_user_id = w.user_id
      WHERE NOT EXISTS (
        SELECT FROM handoffs h
        WHERE h.tenant_id = :tenant AND h.citizen_id = c.id AND h.ended_by = 'citizen' AND h.ended_at >= w.at)
      GROUP BY c.id
    ), known AS (
      SELECT s.citizen, s.at, row_number() OVER (ORDER BY s.citizen) AS place FROM said s
    ), muted AS (
      UPDATE citizens c
      SET muted_until = greatest(c.muted_until, k.at + make_interval(mins => coalesce(
        (SELECT t.silent_minutes FROM handoff_settings t WHERE t.tenant_id = :tenant), 30)))
      FROM known k WHERE c.tenant_id = :tenant AND c.id = k.citizen
      RETURNING c.id
    )
    INSERT INTO handoffs AS h (tenant_id, id, citizen_id, opened_at, officer_at)
    SELECT :tenant, (CAST(:ids AS uuid[]))[k.place], k.citizen, k.at, k.at FROM known k JOIN muted m ON m.id = k.citizen
    ORDER BY k.citizen
    ON CONFLICT (tenant_id, citizen_id) WHERE ended_at IS NULL
    DO UPDATE SET officer_at = greatest(h.officer_at, excluded.officer_at)
    RETURNING citizen_id
    """
)

GIVE_BACK = text(
    """
    WITH given AS (
      UPDATE handoffs SET ended_at = :at, ended_by = 'citizen'
      WHERE tenant_id = :tenant AND citizen_id = :citizen AND ended_at IS NULL RETURNING citizen_id
    )
    UPDATE citizens SET muted_until = NULL
    WHERE tenant_id = :tenant AND id = :citizen AND muted_until > :at
    RETURNING id
    """
)

END_SILENT = text(
    """
    UPDATE handoffs h SET ended_at = c.muted_until, ended_by = 'silence'
    FROM citizens c
    WHERE h.tenant_id = :tenant AND h.ended_at IS NULL AND h.officer_at IS NOT NULL
      AND c.tenant_id = :tenant AND c.id = h.citizen_id AND c.muted_until <= :at
    RETURNING h.id
    """
)


async def mute(session: AsyncSession, tenant_id: UUID, wrote: Sequence[tuple[str, datetime]]) -> int:
    """An officer wrote by hand to these Zalo ids at these times: the bot keeps still; answers to how many citizens.

    One statement for any number of them; people that this Official Account doesn't know yet are left out.
    """
    if not wrote:
        return 0
    muted = await session.execute(
        MUTE,
        {
            "tenant": tenant_id,
            "users": [user_id for user_id, _ in wrote],
            "ats": [at for _, at in wrote],
            "ids": [new_id() for _ in wrote],
        },
    )
    return len(muted.all())


def holds(muted_until: datetime | None, at: datetime) -> bool:
    """Whether an officer has the word at this moment, by what one read of the citizen brought."""
    return muted_until is not None and at < muted_until


async def is_muted(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, at: datetime | None = None) -> bool:
    """Whether an officer has the word with this citizen."""
    until = await session.scalar(
        select(CitizenRow.muted_until).where(CitizenRow.tenant_id == tenant_id, CitizenRow.id == citizen_id)
    )
    return holds(until, at or clock.now())


async def give_back(session: AsyncSession, tenant_id: UUID, citizen_id: UUID, at: datetime | None = None) -> bool:
    """The citizen wants the bot again; answers whether it was muted. A wish for a person that still waits is taken back, too."""
    given = await session.execute(GIVE_BACK, {"tenant": tenant_id, "citizen": citizen_id, "at": at or clock.now()})
    return given.first() is not None


async def end_silent(session: AsyncSession, tenant_id: UUID, at: datetime | None = None) -> int:
    """Write down which hand-offs ended by silence; answers how many. The bot answers again without it: this is for the record."""
    ended = await session.execute(END_SILENT, {"tenant": tenant_id, "at": at or clock.now()})
    return len(ended.all())


def wants_bot(words: str) -> bool:
    """Whether a whole message asks for the bot, by `words.toml`."""
    return fold(clean(words, 80)).strip(" .!?") in _asking()


@cache
def _asking() -> frozenset[str]:
    table = tomllib.loads((files("govchat.handoff") / "words.toml").read_text(encoding="utf-8"))
    return frozenset(table["bot"])
