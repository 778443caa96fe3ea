"""What must be done in the database before anything can start, as a process of its own: `python -m govchat.local.steps`.

It waits for one line of JSON (`Order`) on standard input and reports on standard output, one JSON `Report` a line; so the supervisor
stays small and can be interrupted at any moment. What it will need is loaded while the servers start, and not at all when nothing
has changed since the last start.
"""

import asyncio
import os
import sys
from urllib.parse import urlsplit

import asyncpg
import msgspec

from govchat.errors import ConfigurationError, DomainError
from govchat.kit.loading import loading
from govchat.local import prepared
from govchat.local.folder import SECRETS, Secrets
from govchat.local.postgres import APP, settle_database
from govchat.settings import Settings

OLDEST_POSTGRES = 15
OLDEST_REDIS = (6, 2)


class Order(msgspec.Struct):
    """What to do: `port` and `secrets` of an embedded PostgreSQL to settle first, whether Redis is somebody else's, samples or not."""

    port: int
    secrets: Secrets | None
    foreign_redis: bool
    seed: bool


class Report(msgspec.Struct, omit_defaults=True):
    """A line of progress, the reason of a failure, or at the end sample dossier codes to try."""

    step: str = ""
    error: str = ""
    codes: list[str] = []


def main() -> None:
    """Take the order, carry it out, report; exit status 1 after an error that was reported."""
    try:
        settings = Settings.from_env(os.environ)
        inputs = prepared.inputs(settings)
        before = prepared.recall(settings.data_dir)
        if before is None or before.inputs != inputs:
            _load()
        line = sys.stdin.buffer.readline()
        if not line:  # whoever was to order is gone
            return
        order = msgspec.json.decode(line, type=Order)
        asyncio.run(_settle(settings, order))
        found = prepared.Mark(inputs, order.seed, asyncio.run(prepared.look(settings.migration_database_url)))
        if before is not None and found == msgspec.structs.replace(before, codes=[]):
            _report(Report(step="database and manifests are as the last start left them", codes=before.codes))
            return
        codes = _prepare(settings, order)
        left = asyncio.run(prepared.look(settings.migration_database_url))
        prepared.keep(settings.data_dir, msgspec.structs.replace(found, left=left, codes=codes))
        _report(Report(codes=codes))
    except (ConfigurationError, DomainError) as error:
        _report(Report(error=str(error)))
        sys.exit(1)


def _load() -> None:
    """Loading takes longer than the rest; the order comes when the servers are up."""
    with loading():
        from govchat.db import migrate  # noqa: F401, PLC0415
        from govchat.local import preparation  # noqa: F401, PLC0415


async def _settle(settings: Settings, order: Order) -> None:
    if order.secrets is not None:
        try:
            await settle_database(order.port, order.secrets)
        except asyncpg.InvalidPasswordError:
            folder = settings.data_dir
            raise ConfigurationError(
                f"{folder / SECRETS} is not that of the database beside it, which refuses its password: restore both from one backup, "
                f"or move {folder} away to start with an empty one"
            ) from None
    else:
        await check_postgres(settings.migration_database_url)
    if order.foreign_redis:
        await check_redis(settings.redis_url)


def _prepare(settings: Settings, order: Order) -> list[str]:
    """Migrate, apply, seed; answers sample codes."""
    from govchat.db import migrate  # noqa: PLC0415
    from govchat.local import preparation  # noqa: PLC0415

    prepared.forget(settings.data_dir)
    _report(Report(step="migrating the database"))
    migrate.upgrade(settings.migration_database_url, urlsplit(settings.database_url).username or APP)
    _report(Report(step="applying the manifests" + (" and seeding samples" if order.seed else "")))
    return asyncio.run(preparation.prepare(settings, seed=order.seed))


def _report(report: Report) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    sys.stdout.buffer.flush()


def place(url: str) -> str:
    """A server's URL without user and password, to be shown."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


async def check_postgres(url: str) -> None:
    """Raise `ConfigurationError` unless a PostgreSQL of an age we know answers at `url`."""
    try:
        connection = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://", 1), timeout=10)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ConfigurationError(
            f"GOVCHAT_MIGRATION_DATABASE_URL {place(url)}: no connection ({error or type(error).__name__}); "
            "start that server or mend the URL, or unset GOVCHAT_DATABASE_URL for the embedded one"
        ) from None
    major = connection.get_server_version().major
    await connection.close()
    if major < OLDEST_POSTGRES:
        raise ConfigurationError(f"{place(url)} is PostgreSQL {major}: govchat needs {OLDEST_POSTGRES} or newer")


async def check_redis(url: str) -> None:
    """Raise `ConfigurationError` unless a Redis or Valkey of an age we know answers at `url`."""
    from redis.asyncio import Redis  # noqa: PLC0415
    from redis.exceptions import RedisError  # noqa: PLC0415

    try:
        client = Redis.from_url(url, socket_connect_timeout=10)
        try:
            version = str((await client.info("server"))["redis_version"])
        finally:
            await client.aclose()
    except (OSError, ValueError, RedisError) as error:
        raise ConfigurationError(
            f"GOVCHAT_REDIS_URL {place(url)}: no connection ({error}); "
            "start that server or mend the URL, or unset it for the embedded one"
        ) from None
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        raise ConfigurationError(
            f"{place(url)} is Redis {version}: govchat needs {OLDEST_REDIS[0]}.{OLDEST_REDIS[1]} or newer, or Valkey"
        )


if __name__ == "__main__":
    main()
