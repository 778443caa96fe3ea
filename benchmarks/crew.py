"""Worker processes that are killed, frozen and started again, as an orchestrator would: which of them lived when, under which id.

A worker tells in its first line of log under which id it claims; what is `sending` under that id when it is killed was in flight.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.stores import ROOT


class Worker:
    """One place of the crew: the process in it changes, its command does not."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        folder: Path,
        before: Sequence[str] = (),
    ) -> None:
        """`before` stands in front of the command: how to run it on another machine."""
        self.name = name
        self._before = list(before)
        self.bulk = "--bulk" in arguments
        self.unasked = 0
        self._arguments, self._environ, self._folder = list(arguments), dict(environ), folder
        self._life = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._expected = False

    @property
    def log(self) -> Path:
        """Of the present life."""
        return self._folder / f"{self.name}-{self._life}.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """A new life."""
        self._life += 1
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                [*self._before, sys.executable, *self._arguments], env=self._environ, stdout=out, stderr=out, cwd=ROOT
            )

    def look(self) -> None:
        """Start it again when it has ended by itself, and count that."""
        if self._process is not None and not self.lives:
            self.unasked += 1
            self.start()

    def send(self, number: int) -> None:
        """A signal; SIGKILL is waited for, and the place stays empty until `start`."""
        assert self._process is not None
        self._process.send_signal(number)
        if number == signal.SIGKILL:
            self._process.wait()
            self._process = None

    def id(self) -> str | None:
        """Under which id it claims; None before it has started to work."""
        for line in self.log.read_text(errors="replace").splitlines():
            if '"worker.started"' in line:
                return str(json.loads(line)["worker"])
        return None

    def end(self, seconds: float = 15.0) -> bool:
        """As SIGTERM does; whether it ended in time and in order."""
        if self._process is None:
            return True
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False

    def events(self) -> list[dict[str, object]]:
        """Every line of log of all lives, in order."""
        found: list[dict[str, object]] = []
        for life in range(1, self._life + 1):
            for line in (self._folder / f"{self.name}-{life}.log").read_text(errors="replace").splitlines():
                try:
                    found.append(json.loads(line))
                except json.JSONDecodeError:
                    found.append({"event": "not json", "line": line[:200]})
        return found


def started(crew: Sequence[Worker], seconds: float = 60.0) -> None:
    """Wait until all of them work."""
    until = time.monotonic() + seconds
    while any(worker.id() is None for worker in crew):
        if time.monotonic() > until:
            raise TimeoutError(f"workers did not start: {[worker.name for worker in crew if worker.id() is None]}")
        time.sleep(0.05)
