"""Keeping a handful of child processes running, and ending all of them in order.

One thread that sleeps until a child dies, a signal arrives or a restart is due; between those it costs nothing.
"""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import msgspec

from govchat.errors import ConfigurationError
from govchat.local.folder import write_private
from govchat.local.spawn import born, send

FIRST_DELAY, LONGEST_DELAY, STEADY_AFTER = 0.5, 30.0, 60.0  # seconds
WORKING_PATIENCE, STORING_PATIENCE, LAST_PATIENCE = 6.0, 2.5, 0.5  # seconds; together less than the ten we promise


class StopRequested(Exception):
    """SIGINT, SIGTERM or SIGHUP arrived."""


class Part(msgspec.Struct):
    """One child: how to start it, how to ask it to end, and how it fared. Storing parts are ended after the others.

    A child with a pipe as standard input is held: it loads its modules and waits for `Supervisor.release`. A restart holds nothing.
    """

    name: str
    start: Callable[[], "subprocess.Popen[bytes]"]
    log: Path
    stop_signal: int = signal.SIGTERM
    abort_signal: int = signal.SIGKILL
    storing: bool = False
    child: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    delay: float = FIRST_DELAY
    due: float | None = None

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.poll() is None


class Supervisor:
    """Holds the parts of a stack. `say` prints a line; `register` is the file that names our processes for a later `up`."""

    def __init__(self, say: Callable[[str], None], register: Path) -> None:
        self._say = say
        self._register = register
        self._parts: list[Part] = []
        self._stops = 0
        self._wake, writing = os.pipe()
        for end in (self._wake, writing):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup asks to outlive the terminal
            signal.signal(signal.SIGHUP, self._on_stop)
        signal.signal(signal.SIGCHLD, _on_child)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self._stops += 1

    def add(self, part: Part) -> Part:
        """Start a part and keep it running from now on."""
        self._parts.append(part)
        self._start(part)
        return part

    def release(self, part: Part) -> None:
        """Let a held part go on."""
        if part.child is not None and part.child.stdin is not None:
            with suppress(BrokenPipeError):  # it has died; whoever waits for it will say so
                part.child.stdin.write(b"\n")
                part.child.stdin.close()
            part.child.stdin = None

    def pause(self, seconds: float | None, watched: int | None = None) -> bool:
        """Sleep until something happens; true when `watched` can be read. Raises `StopRequested` when we are to end."""
        if self._stops:
            raise StopRequested
        ready, _, _ = select.select([self._wake] + ([] if watched is None else [watched]), [], [], seconds)
        self._drain_wakes()
        if self._stops:
            raise StopRequested
        return watched in ready

    def wait_until(self, condition: Callable[[], bool], part: Part, seconds: float, why: Callable[[], str]) -> None:
        """Wait for a part to be of use. Raises `ConfigurationError` when it ends first or takes too long; `why` says more."""
        deadline = time.monotonic() + seconds
        while not condition():
            if not part.running:
                raise ConfigurationError(f"{part.name} ended while starting ({_ending(part)}): {why()}")
            if time.monotonic() > deadline:
                raise ConfigurationError(f"{part.name} was not ready after {seconds:.0f} s: {why()}")
            self.pause(0.03)

    def watch(self) -> None:
        """Restart what dies until a signal says to end; returns then."""
        with suppress(StopRequested):
            while True:
                self._look_after()
                dues = [part.due for part in self._parts if part.due is not None]
                self.pause(max(0.0, min(dues) - time.monotonic()) if dues else None)

    def stop(self) -> None:
        """End every part: first those that work, then those that store. A further signal ends them at once."""
        asked = self._stops
        for storing, patience in ((False, WORKING_PATIENCE), (True, STORING_PATIENCE)):
            group = [part for part in self._parts if part.storing is storing and part.running]
            self._end(group, patience, asked)
        self._register.unlink(missing_ok=True)

    def _end(self, group: Iterable[Part], patience: float, asked: int) -> None:
        group = list(group)
        for ask, seconds in (("stop", patience), ("abort", LAST_PATIENCE), ("kill", LAST_PATIENCE)):
            if ask == "abort" and any(part.running for part in group):
                self._say(f"ending by force: {', '.join(part.name for part in group if part.running)}")
            for part in group:
                if part.running and part.child is not None:
                    signals = {"stop": part.stop_signal, "abort": part.abort_signal, "kill": signal.SIGKILL}
                    send(part.child.pid, signals[ask])
            deadline = time.monotonic() + seconds
            while any(part.running for part in group) and (left := deadline - time.monotonic()) > 0:
                if ask == "stop" and self._stops > asked:
                    break
                select.select([self._wake], [], [], min(left, 0.2))
                self._drain_wakes()

    def _drain_wakes(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._wake, 512):
                pass

    def _look_after(self) -> None:
        for part in self._parts:
            if part.due is None and not part.running:
                if time.monotonic() - part.started > STEADY_AFTER:
                    part.delay = FIRST_DELAY
                self._say(
                    f"{part.name} ended ({_ending(part)}), starting it again in {part.delay:g} s; its log: {part.log}"
                )
                part.due = time.monotonic() + part.delay
                part.delay = min(part.delay * 2, LONGEST_DELAY)
            elif part.due is not None and part.due <= time.monotonic():
                part.due = None
                try:
                    self._start(part)
                except (OSError, ConfigurationError) as error:
                    self._say(f"{part.name} could not be started: {error}")
                    part.due = time.monotonic() + part.delay

    def _start(self, part: Part) -> None:
        part.child = part.start()
        if part.started:  # what a restart waits for is there already
            self.release(part)
        part.started = time.monotonic()
        alive = {
            other.name: (other.child.pid, born(other.child.pid) or "")
            for other in self._parts
            if other.child is not None
        }
        write_private(self._register, msgspec.json.encode(alive))


def _on_child(number: int, frame: FrameType | None) -> None:
    """Nothing to do: having a handler is what wakes the sleeper."""


def _ending(part: Part) -> str:
    status = part.child.returncode if part.child is not None else None
    if status is not None and status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"


def end_leftovers(register: Path, say: Callable[[str], None]) -> None:
    """End what an `up` that was killed left running, as its register names it; a pid that was reused since is let alone."""
    try:
        named = msgspec.json.decode(register.read_bytes(), type=dict[str, tuple[int, str]])
    except (FileNotFoundError, msgspec.DecodeError):
        return
    left = {name: (pid, birth) for name, (pid, birth) in named.items() if birth and born(pid) == birth}
    for number, seconds in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 2.0)):
        left = {name: (pid, birth) for name, (pid, birth) in left.items() if born(pid) == birth}
        if left and number == signal.SIGTERM:
            say(f"ending what an earlier run left behind: {', '.join(left)}")
        for pid, _ in left.values():
            send(pid, signal.SIGINT if number == signal.SIGTERM else number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(born(pid) == birth for pid, birth in left.values()):
            time.sleep(0.05)
    register.unlink(missing_ok=True)
