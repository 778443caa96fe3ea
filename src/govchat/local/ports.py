"""Loopback ports: a free one for a server of ours, and a clear sentence about one that somebody else holds."""

import errno
import socket

from govchat.errors import ConfigurationError

HOST = "127.0.0.1"


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


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
