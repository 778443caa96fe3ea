"""What a command works with: the database as the application role and the registry, closed again when the command ends.

Whatever keeps a command from reaching them becomes one sentence that says what to mend.
"""

import logging
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import structlog
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from govchat.db.rls import verify
from govchat.db.session import Database
from govchat.errors import ConfigurationError
from govchat.kit.crypto import SealBroken, SealElsewhere
from govchat.settings import Settings
from govchat.tenants.registry import Registry


@asynccontextmanager
async def opened(settings: Settings, *, load: bool = True) -> AsyncIterator[Registry]:
    """The registry, loaded unless `load` is False; raises `ConfigurationError`."""
    try:
        db = Database.connect(settings.database_url, part="cli", pool_size=2)
    except (ArgumentError, ValueError):  # the URL itself stays unsaid, it may hold a password
        raise ConfigurationError("GOVCHAT_DATABASE_URL: expected postgresql://ROLE:PASSWORD@HOST:PORT/NAME") from None
    try:
        await _reach(db)
        registry = Registry(db, settings)
        with _quiet():
            seen = (await registry.load()).stamp if load else await registry.stamp()
            try:
                yield registry
            finally:
                await _tell(registry, seen)
    except SealElsewhere as error:
        raise ConfigurationError(
            f"this database belongs to another environment ({error}): compare GOVCHAT_ENV and GOVCHAT_DATABASE_URL; a copy of "
            "production is never run elsewhere, each environment has a Zalo app and credentials of its own"
        ) from None
    except SealBroken as error:
        raise ConfigurationError(
            f"the database was sealed under another master key ({error}): set GOVCHAT_MASTER_KEYS to the keys that "
            "the running processes have"
        ) from None
    finally:
        await db.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """What rooms log belongs to processes: a command prints its own words, and on standard output nothing else, JSON above all."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.configure(**before)


async def _tell(registry: Registry, seen: tuple[Any, ...]) -> None:
    """What this command changed is known to every running process at once, not only when it looks by itself."""
    try:
        changed = await registry.stamp() != seen
    except (SQLAlchemyError, OSError):
        return
    if changed:
        from govchat.kit import news

        await news.tell(registry.settings.redis_url, news.REGISTRY)


async def _reach(db: Database) -> None:
    try:
        await verify(db.engine)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError) as error:
        url = db.engine.url
        why = str(getattr(error, "orig", None) or error).splitlines()
        raise ConfigurationError(
            f"GOVCHAT_DATABASE_URL {url.host}:{url.port or 5432}/{url.database}: no connection "
            f"({why[0] if why else type(error).__name__}); is it running, and are name and password right?"
        ) from None
