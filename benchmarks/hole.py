"""A road on loopback that can turn into a black hole: connections stand and are taken, bytes go in, nothing comes out."""

import contextlib
import socket
import threading

CHUNK = 65536


class Hole:
    """A TCP proxy to a port of this machine, on `host` and `port`; its threads end with it."""

    def __init__(self, target: int, host: str = "127.0.0.1") -> None:
        self._target = target
        self._silent = threading.Event()
        self._ends: list[socket.socket] = []
        self._server = socket.create_server((host, 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._meet, daemon=True).start()

    def swallow(self) -> None:
        """From now on nothing passes, either way."""
        self._silent.set()

    def close(self) -> None:
        """Hang up on everybody."""
        self._silent.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        for end in [self._server, *self._ends]:
            end.close()

    def _meet(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                self._ends.append(near)
                if self._silent.is_set():
                    continue
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends.append(far)
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (part := one.recv(CHUNK)) and not self._silent.is_set():
                other.sendall(part)
            if not self._silent.is_set():
                other.shutdown(socket.SHUT_WR)
