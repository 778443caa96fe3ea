"""The ground that benchmarks stand on: durable PostgreSQL and Valkey of their own, migrated, all provinces applied; parts as processes."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from benchmarks.crowd import crowd
from govchat.db.migrate import upgrade
from govchat.local import postgres, valkey
from govchat.local.folder import open_folder
from govchat.local.ports import free_port
from govchat.local.preparation import prepare
from govchat.settings import Settings

ROOT = Path(__file__).parent.parent


class Ground(msgspec.Struct):
    """Settings on servers of this run, and their process ids."""

    settings: Settings
    folder: Path
    postgres_pid: int
    valkey_pid: int

    @property
    def environ(self) -> dict[str, str]:
        own = {
            f"GOVCHAT_{name.upper()}": str(getattr(self.settings, name))
            for name in ("database_url", "migration_database_url", "redis_url", "public_url", "tenants_dir")
        }
        zalo = {
            f"GOVCHAT_{name.upper()}": str(getattr(self.settings, name))
            for name in ("zalo_openapi_url", "zalo_oauth_url", "zalo_business_url")
        }
        return {**os.environ, **own, **zalo, "GOVCHAT_MASTER_KEYS": "benchmark", "MALLOC_ARENA_MAX": "2"}


@contextmanager
def ground(*, seed: bool = False, provinces: int | None = None) -> Iterator[Ground]:
    """Start everything in a temporary folder, end everything afterwards; with the repository's provinces, or so many made-up ones."""
    home = Path(tempfile.mkdtemp(prefix="govchat-bench-"))
    home.chmod(0o711)
    tenants = ROOT / "tenants" if provinces is None else crowd(home / "tenants", provinces)
    servers: list[subprocess.Popen[bytes]] = []
    folder = open_folder(home / "data")
    try:
        secrets = folder.secrets()
        cluster, log = folder.postgres, folder.log("postgres")
        identity = postgres.identity_for(cluster)
        ports = free_port(), free_port()
        servers.append(valkey.start_server(ports[1], secrets.valkey, folder.log("valkey")))
        postgres.create_cluster(cluster, secrets.superuser, identity, log)
        servers.append(postgres.start_server(cluster, ports[0], identity, log))
        while not postgres.is_ready(cluster, servers[1].pid):
            time.sleep(0.02)
        postgres.settle(ports[0], secrets)
        settings = Settings(
            database_url=postgres.server_url(postgres.APP, secrets.app, ports[0]),
            migration_database_url=postgres.server_url(postgres.OWNER, secrets.owner, ports[0]),
            redis_url=valkey.server_url(ports[1], secrets.valkey),
            master_keys=("benchmark",),
            tenants_dir=tenants,
        )
        upgrade(settings.migration_database_url)
        asyncio.run(prepare(settings, seed=seed))
        yield Ground(settings, home, servers[1].pid, servers[0].pid)
    finally:
        for server, number in zip(servers, (signal.SIGTERM, signal.SIGINT), strict=False):
            server.send_signal(number)
            server.wait()
        folder.close()
        shutil.rmtree(home, ignore_errors=True)


def towards(place: Ground, zalo: str, **more: str) -> dict[str, str]:
    """Point the ground at this stand-in for Zalo; answers the environment of its processes."""
    urls = {f"zalo_{name}_url": zalo for name in ("openapi", "oauth", "business")}
    place.settings = msgspec.structs.replace(place.settings, **urls, **more)
    return {**place.environ, "GOVCHAT_DATA_DIR": str(place.folder)}


@contextmanager
def process(arguments: list[str], environ: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process of this run, ended in order."""
    with log.open("wb") as out:
        child = subprocess.Popen([sys.executable, *arguments], env=environ, stdout=out, stderr=out, cwd=ROOT)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(url: str, seconds: float = 30.0) -> None:
    """Until the address answers 200."""
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        if time.monotonic() > until:
            raise TimeoutError(f"{url} does not answer")
        time.sleep(0.05)


def cpu_seconds(*pids: int) -> float:
    """CPU time of these processes with all their descendants, living and ended."""
    total = 0.0
    for pid in pids:
        try:
            root = psutil.Process(pid)
            for one in [root, *root.children(recursive=True)]:
                times = one.cpu_times()
                total += times.user + times.system
            times = root.cpu_times()
            total += times.children_user + times.children_system
        except psutil.NoSuchProcess:
            continue
    return total


def resident_mib(pid: int) -> float:
    """Resident memory of one process, MiB."""
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
