"""`python -m govchat.db.drift`: do the migrations make what the models say? Exit 1 with a list when they don't.

Two databases are made on a throw-away server, one by the migrations and one from the models, and PostgreSQL's own catalogue of both
is compared: columns, defaults, constraints and indexes, predicates included. `GOVCHAT_TEST_DATABASE_URL` names a server (as its
superuser) to use instead of an embedded one.
"""

import asyncio
import importlib
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, make_url, pool, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from govchat.db import rls
from govchat.db.migrate import upgrade_async
from govchat.db.tables import metadata

PATIENCE_S = 60

# One line per column, constraint and index. Not-null constraints are told with their column.
SHAPE = text(
    """
    SELECT format('column %s.%s %s%s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                  CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
                  ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid),
                  CASE a.attidentity WHEN 'a' THEN ' IDENTITY ALWAYS' WHEN 'd' THEN ' IDENTITY' ELSE '' END)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'
    UNION ALL
    SELECT format('constraint %s on %s: %s', k.conname, k.conrelid::regclass, pg_get_constraintdef(k.oid))
    FROM pg_constraint k
    WHERE k.connamespace = 'public'::regnamespace AND k.contype <> 'n' AND k.conrelid::regclass::text <> 'alembic_version'
    UNION ALL
    SELECT format('index %s', i.indexdef) FROM pg_indexes i WHERE i.schemaname = 'public' AND i.tablename <> 'alembic_version'
    """
)


def shape(connection: Connection) -> set[str]:
    """What the database's tables look like, a line for each part."""
    return set(connection.scalars(SHAPE))


def differences(migrated: set[str], modelled: set[str]) -> list[str]:
    """What one has and the other hasn't, sorted so that both sides of a change stand together."""
    told = [(line, f"the models lack:     {line}") for line in migrated - modelled]
    told += [(line, f"the migrations lack: {line}") for line in modelled - migrated]
    return [sentence for _, sentence in sorted(told)]


async def compare(superuser_url: str) -> list[str]:
    """Make both databases on this server, tell how they differ and whether the policies hold, drop them."""
    server = _engine(make_url(superuser_url))
    role = f"govchat_drift_{secrets.token_hex(4)}"
    names = f"{role}_migrated", f"{role}_modelled"
    migrated, modelled = (_engine(server.url.set(database=name)) for name in names)
    try:
        async with server.connect() as connection:
            for name in names:
                await connection.execute(text(f"CREATE DATABASE {name}"))
        await upgrade_async(migrated.url.render_as_string(hide_password=False), role)
        async with modelled.begin() as connection:
            await connection.run_sync(metadata().create_all)
            wanted = await connection.run_sync(shape)
        async with migrated.connect() as connection:
            found = await connection.run_sync(shape)
            await connection.execute(text(f"SET ROLE {role}"))
            return differences(found, wanted) + await connection.run_sync(rls.findings)
    finally:
        async with server.connect() as connection:
            for name in names:
                await connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            await connection.execute(text(f"DROP ROLE IF EXISTS {role}"))
        for engine in (migrated, modelled, server):
            await engine.dispose()


def _engine(url: URL) -> AsyncEngine:
    return create_async_engine(
        url.set(drivername="postgresql+asyncpg"), poolclass=pool.NullPool, isolation_level="AUTOCOMMIT"
    )


@contextmanager
def _embedded() -> Iterator[str]:
    """A server for the length of this check."""
    # A developer's command, the only thing on this floor that starts a server: the room above is named, never imported with `db`.
    postgres = importlib.import_module("govchat.local.postgres")
    ports = importlib.import_module("govchat.local.ports")
    folder = Path(tempfile.mkdtemp(prefix="govchat-drift-")).resolve()
    folder.chmod(0o711)  # started by root, the server runs as somebody else
    cluster, log, port, password = folder / "postgres", folder / "postgres.log", ports.free_port(), secrets.token_hex()
    try:
        identity = postgres.identity_for(cluster)
        postgres.create_cluster(cluster, password, identity, log)
        process = postgres.start_server(cluster, port, identity, log, durable=False)
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not postgres.is_ready(cluster, process.pid):
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"PostgreSQL did not start: {postgres.last_complaint(log)}")
                time.sleep(0.02)
            yield postgres.server_url(postgres.SUPERUSER, password, port, "postgres")
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Check, tell, exit."""
    given = os.environ.get("GOVCHAT_TEST_DATABASE_URL", "")
    if given:
        found = asyncio.run(compare(given))
    else:
        with _embedded() as url:
            found = asyncio.run(compare(url))
    if found:
        sys.exit("\n".join(["migrations and models have drifted apart: write a migration, or mend the models", *found]))


if __name__ == "__main__":
    main()
