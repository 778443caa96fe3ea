"""One throw-away PostgreSQL and Valkey for the whole test run, shared by the workers of xdist.

A keeper process holds both. It ends, and removes everything, as soon as no test process holds the run's lock any more: after an
orderly end, a crash and a `kill -9` alike. `GOVCHAT_TEST_DATABASE_URL` and `GOVCHAT_TEST_REDIS_URL` name other servers instead.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from govchat.local import postgres, valkey
from govchat.local.ports import free_port

PASSWORD = "throw-away"
SERVICES, USERS, STARTING = "services.json", "users.lock", "starting.lock"
PATIENCE = 60.0  # seconds
MEMORY, ROOM = Path("/dev/shm"), 3 * 2**30  # a run takes up to 1 GiB

_held: list[int] = []
_ALONE = f"{os.getpid()}-{time.time_ns()}"


class Services(NamedTuple):
    """Where a superuser reaches PostgreSQL, and where Valkey is."""

    postgres_url: str
    valkey_url: str


def start_services() -> Services:
    """The servers of this test run, started by whoever asks first. They live as long as this process or another that asked."""
    given = os.environ.get("GOVCHAT_TEST_DATABASE_URL", ""), os.environ.get("GOVCHAT_TEST_REDIS_URL", "")
    if all(given):
        return Services(*given)
    folder = _folder()
    folder.mkdir(mode=0o711, exist_ok=True)
    if not _held:
        users = os.open(folder / USERS, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(users, fcntl.LOCK_SH)
        _held.append(users)
    starting = os.open(folder / STARTING, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not (folder / SERVICES).exists():
            # This process ends when the keeper is ready or has failed; the keeper stays.
            subprocess.run([sys.executable, __file__, "launch", str(folder)], check=True)
    finally:
        os.close(starting)
    found = msgspec.json.decode((folder / SERVICES).read_bytes(), type=Services)
    return Services(given[0] or found.postgres_url, given[1] or found.valkey_url)


def _folder() -> Path:
    # Workers of xdist share the id of their run; without xdist the run is this process.
    return (
        Path(tempfile.gettempdir()).resolve() / f"govchat-tests-{os.environ.get('PYTEST_XDIST_TESTRUNUID') or _ALONE}"
    )


def launch(folder: Path) -> None:
    """Start the keeper and wait until it has started the servers."""
    with (folder / "keeper.log").open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, __file__, "keep", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + PATIENCE
    while not (folder / SERVICES).exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            logs = "\n".join(path.read_text(errors="replace")[-3000:] for path in folder.glob("*.log"))
            keeper.kill()
            shutil.rmtree(folder, ignore_errors=True)
            sys.exit(f"the tests' PostgreSQL and Valkey did not start:\n{logs}")
        time.sleep(0.02)


def keep(folder: Path) -> None:
    """Run both servers until nobody holds the users' lock."""
    store = _store(folder)
    cluster = store / "postgres"
    identity = postgres.identity_for(cluster)
    ports = free_port(), free_port()
    cache = valkey.start_server(ports[1], PASSWORD, folder / "valkey.log")
    postgres.create_cluster(cluster, PASSWORD, identity, folder / "postgres.log")
    server = postgres.start_server(cluster, ports[0], identity, folder / "postgres.log", durable=False)
    while not (postgres.is_ready(cluster, server.pid) and valkey.is_ready(ports[1], PASSWORD)):
        if server.poll() is not None or cache.poll() is not None:
            sys.exit("a server ended while starting")
        time.sleep(0.02)
    services = Services(
        postgres.server_url(postgres.SUPERUSER, PASSWORD, ports[0], "postgres"), valkey.server_url(ports[1], PASSWORD)
    )
    new = folder / "services.new"
    new.write_bytes(msgspec.json.encode(services))
    new.replace(folder / SERVICES)
    users = os.open(folder / USERS, os.O_RDWR)
    while server.poll() is None and cache.poll() is None:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            time.sleep(0.3)
    server.send_signal(signal.SIGQUIT)
    cache.terminate()
    server.wait()
    cache.wait()
    shutil.rmtree(store, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def _store(folder: Path) -> Path:
    """Where the databases lie: in memory where there is room, since each clone copies 300 files; else beside the rest."""
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free >= ROOM:
            store = MEMORY / folder.name
            store.mkdir(mode=0o711)
            return store
    return folder


if __name__ == "__main__":
    {"launch": launch, "keep": keep}[sys.argv[1]](Path(sys.argv[2]))
