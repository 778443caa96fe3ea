"""Loopback ports: a free one for a server of ours, and a clear sentence about one that somebody else holds."""

import errno
import secrets
import socket

from govchat.errors import ConfigurationError

HOST = "127.0.0.1"


# Below what systems give to outgoing connections (from 32768 on Linux, from 49152 elsewhere): one of those could take a port between the
# moment it is found free and the moment its server listens, a second later when a database folder is made first.
LOWEST, HIGHEST = 20_000, 32_000
TRIES = 200


def free_port() -> int:
    """A loopback port that nobody listens on at this moment, and no outgoing connection will take."""
    for _ in range(TRIES):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        return port
    raise ConfigurationError(f"none of {TRIES} ports from {LOWEST} to {HIGHEST} is free on {HOST}: end what holds them")


def answers(port: int) -> bool:
    """Whether somebody accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


def require_free(port: int, option: str) -> None:
    """Raise `ConfigurationError` naming the port, its holder where known, and the option that chooses another."""
    with socket.socket() as probe:
        # As servers do it: a port whose last connections are still fading counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                sentence = f"port {port} is in use by {_holder(port)}: end that, or choose another port with {option}"
            elif error.errno == errno.EACCES:
                sentence = f"port {port} needs root: choose one above 1023 with {option}"
            else:
                sentence = f"port {port} can't be used ({error.strerror}): choose another with {option}"
            raise ConfigurationError(sentence) from None


def _holder(port: int) -> str:
    unknown = "another program"
    try:
        import psutil  # noqa: PLC0415  # comes with the extra `local`; without it the holder stays unnamed
    except ImportError:
        return unknown
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                command = " ".join(psutil.Process(connection.pid).cmdline())
                return f"process {connection.pid} ({command[:80]})"
    except (psutil.Error, OSError):
        return unknown
    return unknown
