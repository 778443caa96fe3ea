"""Sessions bound to a tenant: the only place that begins, binds and commits a transaction.

`Database.tenant(id)` yields a session in one transaction in which PostgreSQL shows exactly that tenant's rows; `Database.registry()`
yields one that is bound to no tenant and therefore sees no tenant's rows at all. Both commit when the block ends and roll back
when it raises.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

# Begins and binds in one round trip. The tenant is always set, to empty when there is none: a pooled connection can never carry one over.
BEGIN = "BEGIN; SELECT set_config('govchat.tenant_id', '{tenant}', true)"

# A machine that is gone acknowledges nothing: its transactions and their locks end with its connections, some ten seconds later.
SILENT_PEER = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "11000",
}
# A machine that acknowledges and does nothing more, as one that was frozen, keeps what it locked for so long.
TRANSACTION_TIMEOUT_MS = 30_000
TRANSACTION_TIMEOUT_SINCE = 17

# A restarted server leaves connections in the pool that are closed: that many are thrown away before one is taken as it is.
MOST_STALE = 20


class _Whole(NamedTuple):
    """A transaction that the blocks inside it join, and the task it belongs to: other tasks have transactions of their own."""

    db: "Database"
    tenant_id: UUID
    task: "asyncio.Task[Any] | None"
    session: AsyncSession


_whole: ContextVar[_Whole | None] = ContextVar("whole", default=None)


# Where a session keeps what is to be done once its transaction is committed.
_AFTER = "after_commit"


def after_commit(session: AsyncSession, act: Callable[[], object]) -> None:
    """Do `act` as soon as the session's transaction is committed, and not at all when it, or the block of `tenant` that said so, is undone.

    For nudges alone: a process that dies in between never does it. `act` must not wait and must not raise.
    """
    session.info.setdefault(_AFTER, []).append(act)


def _bound(transaction_timeout_ms: int, connection: Any, _: object) -> None:
    """Have the server end every transaction of a new connection after so long, where it can."""

    async def bound(driver: Any) -> None:
        if driver.get_server_version().major >= TRANSACTION_TIMEOUT_SINCE:
            await driver.execute(f"SET transaction_timeout = {transaction_timeout_ms}")

    connection.run_async(bound)


class TransactionLost(RuntimeError):
    """A statement failed, the caller went on, and nothing of the transaction was kept."""


async def _roll_back(connection: AsyncConnection, driver: Any) -> None:
    """Undo; a connection on which that fails is not used again."""
    try:
        await driver.execute("ROLLBACK")
    except Exception:  # whatever broke it, PostgreSQL rolls back what it loses
        await connection.invalidate()


class Database:
    """A pool of connections as the application role, and the sessions on it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        part: str,
        pool_size: int = 8,
        statement_timeout_ms: int = 15_000,
        transaction_timeout_ms: int = 0,
    ) -> "Database":
        """A database at `url` (`postgresql://…`); connections are opened when first needed.

        `part` is shown as application_name. A statement ends after `statement_timeout_ms`, a transaction left idle after twice
        that, so that no caller can hold locks for ever. Neither ends a transaction whose process fell silent within a statement's
        messages: `transaction_timeout_ms` does (0: never; PostgreSQL 17 or newer), and the server gives up a machine that answers nothing.
        """
        engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            # Begin and commit are ours: see `_transaction`.
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,  # an error's text never holds what was bound
            pool_size=pool_size,
            max_overflow=2,
            pool_timeout=5,
            pool_pre_ping=False,
            pool_use_lifo=True,
            pool_recycle=1800,
            connect_args={
                "timeout": 5,
                # A connection that fell silent is given up: the server would have ended the statement by now.
                "command_timeout": statement_timeout_ms / 1000 + 5,
                "server_settings": {
                    "application_name": f"govchat {part}",
                    "statement_timeout": str(statement_timeout_ms),
                    "idle_in_transaction_session_timeout": str(statement_timeout_ms * 2),
                    "timezone": "UTC",
                    **SILENT_PEER,
                },
            },
        )
        if transaction_timeout_ms:
            event.listen(engine.sync_engine, "connect", partial(_bound, transaction_timeout_ms))
        return cls(engine)

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncIterator[AsyncSession]:
        """One transaction in which only `tenant_id`'s rows exist; inside `whole`, a savepoint of that one."""
        around = _whole.get()
        if around is not None and around[:3] == (self, tenant_id, asyncio.current_task()):
            acts = around.session.info.setdefault(_AFTER, [])
            before = len(acts)
            try:
                async with around.session.begin_nested():
                    yield around.session
            except BaseException:
                del acts[before:]
                raise
            return
        async with self._transaction(str(UUID(str(tenant_id)))) as session:
            yield session

    @asynccontextmanager
    async def whole(self, tenant_id: UUID) -> AsyncIterator[AsyncSession]:
        """One transaction that every `tenant(tenant_id)` of this task joins until the block ends.

        For what has to be kept together with the acts of a caller that doesn't know of it, such as the answer of a request.
        """
        async with self._transaction(str(UUID(str(tenant_id)))) as session:
            token = _whole.set(_Whole(self, tenant_id, asyncio.current_task(), session))
            try:
                yield session
            finally:
                _whole.reset(token)

    @asynccontextmanager
    async def registry(self) -> AsyncIterator[AsyncSession]:
        """One transaction bound to no tenant: the registry's own tables only."""
        async with self._transaction("") as session:
            yield session

    @asynccontextmanager
    async def _transaction(self, tenant: str) -> AsyncIterator[AsyncSession]:
        async with self._connection() as (connection, driver):
            try:
                await driver.execute(BEGIN.format(tenant=tenant))
                async with AsyncSession(connection, expire_on_commit=False) as session:
                    yield session
                    await session.flush()
                ended = await driver.execute("COMMIT")
            except BaseException:
                await _roll_back(connection, driver)
                raise
        for act in session.info.get(_AFTER, ()):
            act()
            if ended != "COMMIT":
                raise TransactionLost("the transaction had failed before its end and was rolled back")

    async def call(self, statement: str, *arguments: Any) -> Any:
        """One statement as a transaction of its own, straight to the driver: for hot paths whose SQL function binds its tenants itself.

        Raises one of `away.ANY_FAILURE`.
        """
        async with self._connection() as (_, driver):
            return await driver.fetchval(statement, *arguments)

    async def rows(self, statement: str, *arguments: Any) -> list[Any]:
        """`call` for a function that answers rows: each can be read by column name."""
        async with self._connection() as (_, driver):
            found: list[Any] = await driver.fetch(statement, *arguments)
            return found

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[AsyncConnection, Any]]:
        """A connection of the pool that is not known to be dead, with the driver's own beneath it."""
        for _ in range(MOST_STALE):
            async with self.engine.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                if driver.is_closed():
                    await connection.invalidate()
                    continue
                try:
                    yield connection, driver
                finally:
                    if driver.is_closed() and not connection.invalidated:
                        await connection.invalidate()
                return
        raise ConnectionError("the pool holds dead connections only")

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
