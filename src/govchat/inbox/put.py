"""Making events durable, in small batches: one transaction for whatever has gathered while the previous one was committing.

A caller returns only when its event is committed. Under light load a batch holds one event and waits for nobody; under a burst the
cost of a commit is shared. Nothing is held in memory that has been answered.
"""

import asyncio
from datetime import datetime
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from govchat.db.session import Database
from govchat.errors import DomainError
from govchat.kit.crypto import TenantVault, Vault
from govchat.kit.ids import new_id
from govchat.kit.patience import within
from govchat.obs import metrics

log = structlog.get_logger()

MOST = 200
# Zalo waits two seconds: what is not durable by then is refused, so that Zalo tries again.
PATIENCE_S = 1.6
# Longer than a commit ever takes while PostgreSQL is there.
GIVE_UP_S = 4.0
# More than this waiting means PostgreSQL is away or far behind: refuse at once instead of piling up.
QUEUE_LIMIT = 4_000

PUT = text(
    "SELECT inbox_put(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[]), CAST(:keys AS text[]), CAST(:names AS text[]), "
    "CAST(:users AS text[]), CAST(:occurred AS timestamptz[]), CAST(:signatures AS text[]), CAST(:bodies AS bytea[]))"
)

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


def body_context(event_id: UUID) -> str:
    """Where an event's body stands, for sealing."""
    return f"inbox_events.body/{event_id}"


def arrived(
    vault: TenantVault, tenant_id: UUID, body: bytes, *, dedupe_key: str, event_name: str, user_id: str, occurred_at: datetime,
    signature: str,
) -> Arrived:  # fmt: skip
    """An event with its final id, the body sealed with the tenant's key."""
    event_id = new_id()
    sealed = vault.seal(body, body_context(event_id))
    return Arrived(tenant_id, event_id, dedupe_key, event_name, user_id, occurred_at, signature, sealed)


class Intake:
    """Gathers events of one process and commits them together."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: list[tuple[Arrived, asyncio.Future[bool]]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def put(self, event: Arrived) -> bool:
        """Return once the event is durable: True when it is new, False when it had come before. Raises `NotDurable`."""
        if len(self._waiting) >= QUEUE_LIMIT:
            raise NotDurable("too many events are waiting for the database")
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, future))
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush())
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await future
        except TimeoutError:
            raise NotDurable("the database did not answer in time") from None

    async def _flush(self) -> None:
        """Commit batch after batch until nothing waits."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                batch = [(event, future) for event, future in batch if not future.done()]
                if batch:
                    await self._commit(batch)
        finally:
            self._flusher = None

    async def _commit(self, batch: list[tuple[Arrived, asyncio.Future[bool]]]) -> None:
        try:
            # A connection that fell silent is given up, else it would hold every later batch back.
            async with asyncio.timeout(GIVE_UP_S):
                fresh = await self._store([event for event, _ in batch])
            metrics.WEBHOOK_BATCH.observe(len(batch))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.error("inbox.not_durable", events=len(batch), error=type(error).__name__)
            for _, future in batch:
                if not future.done():
                    future.set_exception(NotDurable("the database is away"))
            return
        for event, future in batch:
            if not future.done():
                future.set_result(event.id in fresh)

    async def _store(self, events: list[Arrived]) -> set[UUID]:
        async with self._db.registry() as session:
            fresh = await session.scalar(
                PUT,
                {
                    "tenants": [event.tenant_id for event in events],
                    "ids": [event.id for event in events],
                    "keys": [event.dedupe_key for event in events],
                    "names": [event.event_name for event in events],
                    "users": [event.user_id for event in events],
                    "occurred": [event.occurred_at for event in events],
                    "signatures": [event.signature for event in events],
                    "bodies": [event.body_sealed for event in events],
                },
            )
        return set(fresh or ())

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
