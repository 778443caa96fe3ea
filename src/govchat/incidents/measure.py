"""The gauge of open incidents, set anew at each look, so that a healed one disappears."""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from govchat.db.session import Database
from govchat.incidents import queries
from govchat.obs import metrics


async def measure(db: Database, slugs: Mapping[UUID, str]) -> None:
    """Count the open incidents of all tenants; `slugs` names the tenants."""
    counted: Counter[tuple[str, str]] = Counter()
    for found in await queries.count_open(db):
        counted[metrics.tenant_label(slugs.get(found.tenant)), found.kind.value] += found.count
    metrics.INCIDENTS_OPEN.clear()
    for labels, count in counted.items():
        metrics.INCIDENTS_OPEN.labels(*labels).set(count)
