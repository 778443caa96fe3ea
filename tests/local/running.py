"""`up` over stand-ins as a real process, for tests that start, disturb and end it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from govchat.local.ports import free_port
from govchat.local.spawn import Identity, spawn
from govchat.local.stack import Stack, read_stack

STAND_INS = Path(__file__).with_name("stand_ins.py")
PATIENCE = 60.0  # seconds; a guard against hanging, not a promise


class Up:
    """A started `up`, its output so far and the processes under it."""

    def __init__(
        self, data_dir: Path, *options: str, environ: dict[str, str] | None = None, identity: Identity | None = None
    ) -> None:
        self.data_dir = data_dir
        self.port, self.simulator_port = free_port(), free_port()
        arguments = [
            sys.executable,
            str(STAND_INS),
            "up",
            "--data-dir",
            str(data_dir),
            "--tenants",
            str(STAND_INS.parent),
        ]
        arguments += ["--port", str(self.port), "--simulator-port", str(self.simulator_port), *options]
        self.process = spawn(
            arguments,
            log=subprocess.STDOUT,
            stdout=subprocess.PIPE,
            environ=clean_environment() | (environ or {}),
            identity=identity,
        )
        self.output = ""

    def until(self, text: str) -> str:
        """Read the output up to a line with `text` and return that line."""
        assert self.process.stdout is not None
        for line in iter(self.process.stdout.readline, b""):
            self.output += line.decode()
            if text in line.decode():
                return line.decode().strip()
        raise AssertionError(f"`up` ended without saying {text!r}:\n{self.output}")

    def children(self) -> dict[str, psutil.Process]:
        """The direct children by what they are."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            words = child.cmdline()
            if words and "valkey-server" in words[0]:
                name = "valkey"
            elif words and words[0].endswith("postgres"):
                name = "postgres"
            elif len(words) > 2:
                name = words[2]
            else:
                continue  # when PostgreSQL is killed, its own processes fall to `up` for a moment
            found["bulk" if "--bulk" in words else name] = child
        return found

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stack(self) -> Stack:
        found = read_stack(self.data_dir)
        assert found is not None
        return found

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait, and return the exit status."""
        self.process.send_signal(number)
        return self.finish()

    def finish(self) -> int:
        rest, _ = self.process.communicate(timeout=PATIENCE)
        self.output += rest.decode()
        return self.process.returncode


@contextmanager
def running(data_dir: Path, *options: str, environ: dict[str, str] | None = None) -> Iterator[Up]:
    """An `up` that is ready; ended at the end of the block, if it still runs."""
    up = Up(data_dir, *options, environ=environ)
    try:
        up.until("govchat ready")
        yield up
    finally:
        if up.process.poll() is None:
            up.end()
        up.process.communicate()


def refusal(data_dir: Path, *options: str, environ: dict[str, str] | None = None) -> str:
    """What an `up` says that can't start: the one sentence after its steps."""
    up = Up(data_dir, *options, environ=environ)
    status = up.finish()
    assert status == 1, up.output
    said = [line for line in up.output.splitlines() if not line.startswith("[")]
    assert len(said) == 1, up.output
    return said[0]


def clean_environment() -> dict[str, str]:
    """Ours without any setting of govchat, and with this source tree."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GOVCHAT_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def gone(processes: list[psutil.Process]) -> bool:
    """Wait until none of the processes is left."""
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE)
    return not alive


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.02)
