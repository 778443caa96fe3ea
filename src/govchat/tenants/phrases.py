"""A province's own sentences for what is said outside a conversation: an office's answer, an invitation to rate, the end of an erasure.

From the newest rows of `tenant_wordings` to an overlay for `kit.phrases`. They were checked when they were set; one whose placeholders are
no longer the product's is left out.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit.phrases import phrases, placeholders

NEWEST = text(
    """
    SELECT DISTINCT ON (key) key, text FROM tenant_wordings
    WHERE tenant_id = :tenant AND key LIKE :room || '.%' ORDER BY key, version DESC
    """
)


async def own_phrases(session: AsyncSession, tenant_id: UUID, package: str) -> dict[str, str]:
    """The province's sentences of a room (`govchat.petitions`), for `kit.phrases.overlaid`."""
    room, shipped = package.rpartition(".")[2], phrases(package)
    rows = await session.execute(NEWEST, {"tenant": tenant_id, "room": room})
    return {
        row.key: row.text for row in rows if row.text and _fits(shipped.get(row.key.removeprefix(f"{room}.")), row.text)
    }


def _fits(product: str | None, own: str) -> bool:
    try:
        return product is not None and placeholders(product) == placeholders(own)
    except ValueError:
        return False
