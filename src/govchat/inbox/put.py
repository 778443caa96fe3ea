"""Making events durable, in small batches: one transaction for whatever has gathered while the previous one was committing.

A caller returns only when its event is committed. Under light load a batch holds one event and waits for nobody; under a burst the
cost of a commit is shared. Nothing is held in memory that has been answered.
"""

from datetime import datetime
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from govchat.db.session import Database
from govchat.errors import DomainError
from govchat.kit.crypto import TenantVault, Vault
from govchat.kit.gather import Gather
from govchat.kit.ids import new_id
from govchat.kit.patience import within
from govchat.obs import metrics

log = structlog.get_logger()

MOST = 200
# Batches start at least this far apart, unless this many wait: at 500 events a second twenty share a commit and a ring of the bell, which
# cost as much as receiving ten; a lone event waits for nobody.
LINGER_S = 0.04
ENOUGH = 20
PARALLEL = 2
# Zalo waits two seconds. An event waits for at most one batch before its own, so twice this must be less.
PATIENCE_S = 0.9
# More than this waiting means PostgreSQL is away or far behind: refuse at once instead of piling up.
QUEUE_LIMIT = 4_000

PUT = "SELECT inbox_put($1, $2, $3, $4, $5, $6, $7, $8, $9)"

UNROUTED = text(
    "INSERT INTO unrouted_events (id, app_id, event_name, body_sealed) VALUES (:id, :app_id, :event_name, :body)"
)


class NotDurable(DomainError):
    """The event could not be stored in time; Zalo is asked to send it again."""

    status = 503
    code = "not_durable"
    title = "The event could not be stored, send it again"


class Arrived(msgspec.Struct, frozen=True):
    """One event on its way to become a row."""

    tenant_id: UUID
    id: UUID
    dedupe_key: str
    event_name: str
    user_id: str
    occurred_at: datetime
    signature: str
    body_sealed: bytes
    asks: bool


def body_context(event_id: UUID) -> str:
    """Where an event's body stands, for sealing."""
    return f"inbox_events.body/{event_id}"


def arrived(
    vault: TenantVault, tenant_id: UUID, body: bytes, *, dedupe_key: str, event_name: str, user_id: str, occurred_at: datetime,
    signature: str, asks: bool,
) -> Arrived:  # fmt: skip
    """An event with its final id, the body sealed with the tenant's key; `asks` when somebody waits for an answer."""
    event_id = new_id()
    sealed = vault.seal(body, body_context(event_id))
    return Arrived(tenant_id, event_id, dedupe_key, event_name, user_id, occurred_at, signature, sealed, asks)


class Intake:
    """Gathers events of one process and commits them together."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._gather = Gather(self._commit, most=MOST, linger_s=LINGER_S, enough=ENOUGH, parallel=PARALLEL)

    async def put(self, event: Arrived) -> bool:
        """Return once the event is durable: True when it is new, False when it had come before. Raises `NotDurable`."""
        if self._gather.waiting >= QUEUE_LIMIT:
            raise NotDurable("too many events are waiting for the database")
        return await self._gather.put(event)

    async def _commit(self, batch: list[Arrived]) -> list[bool]:
        try:
            fresh = await within(PATIENCE_S, self._store(batch))
        except Exception as error:
            log.error("inbox.not_durable", events=len(batch), error=type(error).__name__)
            raise NotDurable("the database did not take the event in time") from error
        metrics.WEBHOOK_BATCH.observe(len(batch))
        return [event.id in fresh for event in batch]

    async def _store(self, events: list[Arrived]) -> set[UUID]:
        columns = zip(*(msgspec.structs.astuple(event) for event in events), strict=True)
        return set(await self._db.call(PUT, *columns) or ())

    async def put_unrouted(self, vault: Vault, app_id: str, event_name: str, body: bytes) -> None:
        """Keep a signed event that names no Official Account."""
        event_id = new_id()
        sealed = vault.seal(body, f"unrouted_events.body/{event_id}")
        row = {"id": event_id, "app_id": app_id, "event_name": event_name, "body": sealed}
        try:
            await within(PATIENCE_S, self._store_unrouted(row))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise NotDurable("the database is away") from error

    async def _store_unrouted(self, row: dict[str, object]) -> None:
        async with self._db.registry() as session:
            await session.execute(UNROUTED, row)
