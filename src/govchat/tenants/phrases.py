"""A province's own sentences for what is said outside a conversation: an office's answer, an invitation to rate, the end of an erasure.

From the newest rows of `tenant_wordings` to an overlay for `kit.phrases`. They were checked when they were set; one whose placeholders are
no longer the product's, or for which there is no space any more, is left out.
"""

import time
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.db.session import Database
from govchat.kit.phrases import limits, placeholders, shipped

RELOAD_S = 15.0

NEWEST = text(
    """
    SELECT DISTINCT ON (key) key, text FROM tenant_wordings
    WHERE tenant_id = :tenant AND split_part(key, '.', 1) = ANY(CAST(:rooms AS text[])) ORDER BY key, version DESC
    """
)


async def own_phrases(session: AsyncSession, tenant_id: UUID, *packages: str) -> dict[str, str]:
    """The province's sentences of these rooms (`govchat.petitions`), for `kit.phrases.overlaid`."""
    rooms = [package.rpartition(".")[2] for package in packages]
    rows = await session.execute(NEWEST, {"tenant": tenant_id, "rooms": rooms})
    return sound({row.key: row.text for row in rows})


class OwnPhrases:
    """Each province's own sentences of these rooms in memory, read again when they are older than `RELOAD_S`; one a process."""

    def __init__(self, db: Database, *packages: str) -> None:
        self._db = db
        self._packages = packages
        self._kept: dict[UUID, tuple[float, dict[str, str]]] = {}

    async def of(self, tenant_id: UUID) -> dict[str, str]:
        """The sentences for `kit.phrases.overlaid`."""
        kept, now = self._kept.get(tenant_id), time.monotonic()
        if kept is not None and now - kept[0] < RELOAD_S:
            return kept[1]
        async with self._db.tenant(tenant_id) as session:
            own = await own_phrases(session, tenant_id, *self._packages)
        self._kept[tenant_id] = (now, own)
        return own


def sound(own: Mapping[str, str | None]) -> dict[str, str]:
    """Those that can be said, of a province's newest sentences by key (`petitions.answered`)."""
    return {key: said for key, said in own.items() if said and _fits(key, said)}


def _fits(key: str, said: str) -> bool:
    room, _, name = key.partition(".")
    package = f"govchat.{room}"
    product = shipped(package).get(name)
    try:
        fits = product is not None and placeholders(product) == placeholders(said)
    except ValueError:
        return False
    return fits and len(said) <= limits(package).get(name, len(said))
