"""PostgreSQL and Valkey of a run's own that may be killed, restarted and flushed: the ground of chaos and of cut wires.

Each comes back on its own port and, PostgreSQL, with its data; Valkey comes back empty, as it keeps nothing on the disk.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import asyncpg

from govchat.db.migrate import upgrade
from govchat.local import postgres, valkey
from govchat.local.folder import open_folder
from govchat.local.ports import HOST, free_port
from govchat.local.preparation import prepare
from govchat.settings import Settings

ROOT = Path(__file__).parent.parent
MASTER_KEY = "benchmark"
# How PostgreSQL is told to end: in order, hanging up on everybody, and as if the power had failed.
Ending = Literal["fast", "immediate"]
SIGNALS: dict[str, int] = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class Stores:
    """Both servers of one run, in one folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._folder = open_folder(home / "data")
        self._secrets = self._folder.secrets()
        self.postgres_port, self.valkey_port = free_port(), free_port()
        self._identity = postgres.identity_for(self._folder.postgres)
        self._postgres: subprocess.Popen[bytes] | None = None
        self._valkey: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """A new cluster, migrated, every manifest applied."""
        self.start_valkey()
        postgres.create_cluster(
            self._folder.postgres, self._secrets.superuser, self._identity, self._folder.log("postgres")
        )
        self.start_postgres()
        postgres.settle(self.postgres_port, self._secrets)
        settings = self.settings()
        upgrade(settings.migration_database_url)
        asyncio.run(prepare(settings, seed=False))

    def settings(self, *, postgres_port: int = 0, valkey_port: int = 0, host: str = HOST) -> Settings:
        """How the servers are reached; other ports and another host lead there over a wire."""
        at = postgres_port or self.postgres_port
        urls = [
            postgres.server_url(role, secret, at).replace(f"@{HOST}:", f"@{host}:")
            for role, secret in ((postgres.APP, self._secrets.app), (postgres.OWNER, self._secrets.owner))
        ]
        redis = valkey.server_url(valkey_port or self.valkey_port, self._secrets.valkey)
        return Settings(
            database_url=urls[0],
            migration_database_url=urls[1],
            redis_url=redis.replace(f"@{HOST}:", f"@{host}:"),
            master_keys=(MASTER_KEY,),
            tenants_dir=ROOT / "tenants",
        )

    def start_postgres(self) -> None:
        """Start, and wait until it answers."""
        cluster, log = self._folder.postgres, self._folder.log("postgres")
        self._postgres = postgres.start_server(cluster, self.postgres_port, self._identity, log)
        while not postgres.is_ready(cluster, self._postgres.pid):
            if self._postgres.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start: {postgres.last_complaint(log)}")
            time.sleep(0.02)

    def stop_postgres(self, ending: Ending) -> None:
        """End it so, and wait until it has ended."""
        assert self._postgres is not None
        self._postgres.send_signal(SIGNALS[ending])
        self._postgres.wait()

    def start_valkey(self) -> None:
        """Start it empty, and wait until it answers."""
        self._valkey = valkey.start_server(self.valkey_port, self._secrets.valkey, self._folder.log("valkey"))
        while not valkey.is_ready(self.valkey_port, self._secrets.valkey):
            time.sleep(0.01)

    def kill_valkey(self) -> None:
        """As the kernel would when memory runs out."""
        assert self._valkey is not None
        self._valkey.kill()
        self._valkey.wait()

    def flush_valkey(self) -> None:
        """Forget everything, and go on."""
        with socket.create_connection((HOST, self.valkey_port), timeout=2) as connection:
            connection.sendall(f"AUTH {self._secrets.valkey}\r\nFLUSHALL\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (part := connection.recv(64)):
                answer += part

    def query(self, statement: str, *values: Any) -> list[Any]:
        """Rows over all provinces, as the superuser: for the judge alone."""

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(
                postgres.server_url(postgres.SUPERUSER, self._secrets.superuser, self.postgres_port)
            )
            try:
                return list(await connection.fetch(statement, *values))
            finally:
                await connection.close()

        return asyncio.run(ask())

    def environ(self, settings: Settings, zalo: str) -> dict[str, str]:
        """The environment of a process with these settings and that stand-in for Zalo."""
        names = ("database_url", "migration_database_url", "redis_url", "public_url", "tenants_dir")
        own = {f"GOVCHAT_{name.upper()}": str(getattr(settings, name)) for name in names}
        hosts = {f"GOVCHAT_ZALO_{name}_URL": zalo for name in ("OPENAPI", "OAUTH", "BUSINESS")}
        more = {"GOVCHAT_MASTER_KEYS": MASTER_KEY, "GOVCHAT_DATA_DIR": str(self.home), "MALLOC_ARENA_MAX": "2"}
        return {**os.environ, **own, **hosts, **more}

    def close(self) -> None:
        """End both."""
        for server, number in ((self._postgres, signal.SIGQUIT), (self._valkey, signal.SIGKILL)):
            if server is not None and server.poll() is None:
                server.send_signal(number)
                server.wait()
        self._folder.close()


@contextmanager
def stores() -> Iterator[Stores]:
    """Both servers in a temporary folder, ended and removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="govchat-chaos-"))
    home.chmod(0o711)
    made = Stores(home)
    try:
        made.create()
        yield made
    finally:
        made.close()
        shutil.rmtree(home, ignore_errors=True)
