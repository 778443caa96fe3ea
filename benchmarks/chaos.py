"""A campaign of 30,000 messages over several provinces in bad weather, and what became of each of them by Zalo's own book.

Meanwhile workers are killed and frozen at random, PostgreSQL restarts, Valkey is killed and flushed, and Zalo answers 429, -32, 500,
resets, hangs and lost replies. Nothing may be lost, nothing repeated, no limit passed; what stays uncertain must have been in flight when
a worker was killed. `python -m benchmarks.chaos [--seed N] [--messages N]`, exit status 1 when any of it does not hold;
`python -m benchmarks.chaos cut` cuts machines off instead (see `benchmarks.cut`).
"""

import argparse
import random
import secrets
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from uuid import UUID

import msgspec
import uvloop

from benchmarks import judge
from benchmarks.crew import Worker, started
from benchmarks.ground import port, process, wait_for
from benchmarks.replies import ask
from benchmarks.stores import Stores, stores
from govchat.campaigns import draft, steer
from govchat.campaigns.schemas import AudienceIn, CampaignIn, MessageIn
from govchat.db.session import Database
from govchat.kit import clock
from govchat.local.followers import sow
from govchat.procedures.book import Book
from govchat.settings import Settings
from govchat.tenants.registry import Registry

# Two of them share one Zalo app, whose window holds for both together.
SLUGS = ("an-giang", "bac-ninh", "ca-mau", "da-nang", "dien-bien", "lai-chau")
MESSAGES = 30_000
BULK, INTERACTIVE = 3, 1
TEXT = "Cảnh báo bão: từ 18 giờ hôm nay mưa rất to, bà con ven sông chủ động di dời theo hướng dẫn của xã."
# For 30,000 messages; fewer messages get a part of it.
EVENTS = {
    "kill a bulk worker": 12,
    "kill a worker": 2,
    "freeze a bulk worker": 2,
    "restart PostgreSQL, fast": 2,
    "restart PostgreSQL, immediate": 2,
    "kill Valkey": 2,
    "flush Valkey": 2,
}
# Zalo's weather: kind, share of calls it strikes, what else the fault needs.
WEATHER = (
    ("latency", 1.0, {"ms": 15, "jitter_ms": 120}),
    ("error", 0.0015, {"code": -32}),
    ("http", 0.0015, {"status": 429}),
    ("http", 0.004, {"status": 500}),
    ("reset", 0.004, {}),
    ("hang", 0.002, {"seconds": 12}),
    ("reply_lost", 0.004, {}),
)
FROZEN_S = 24.0
PATIENCE_S = 780.0


class Asked(msgspec.Struct, frozen=True):
    """What is played: the same seed plays the same events in the same order."""

    seed: int
    messages: int
    slugs: tuple[str, ...] = SLUGS


async def announce(settings: Settings, slugs: Sequence[str], count: int) -> dict[str, UUID]:
    """An emergency, which knows no hours of rest, for `count` followers of each province; answers the campaigns by province."""
    db = Database.connect(settings.database_url, part="announce", pool_size=2)
    registry = Registry(db, settings)
    await registry.load()
    book, found = Book(db, registry), {}
    await book.load()
    for slug in slugs:
        tenant = registry.by_slug(slug)
        await sow(db, tenant.id, slug, count, clock.now())
        vault = await registry.tenant_vault(tenant.id)
        asked = CampaignIn(
            name="Bão", class_="emergency", message=MessageIn(text=TEXT), audience=AudienceIn(all_followers=True)
        )  # fmt: skip
        async with db.tenant(tenant.id) as session:
            made = await draft.draft(session, vault, tenant.id, asked, book.of(tenant.id), actor="chaos:one")
            await steer.approve(session, tenant.id, made.id, actor="chaos:two")
        found[slug] = made.id
    await db.close()
    return found


def weather(zalo: str, slugs: Sequence[str]) -> None:
    """From now on Zalo is as bad as it gets: for sends and for the histories that settle doubts. Echoes never come."""
    ask(f"{zalo}/_control/limits", {"echo": False, "receipts": False})
    faults = [
        {"kind": kind, "probability": share, "call": call, "oa": slug, **more}
        for slug in slugs
        for call in ("cs", "read")
        for kind, share, more in WEATHER
    ]
    ask(f"{zalo}/_control/faults", faults)  # type: ignore[arg-type]


class Storm:
    """What happens to the machines, one event after the other."""

    def __init__(self, asked: Asked, ground: Stores, crew: Sequence[Worker]) -> None:
        self._random = random.Random(asked.seed)
        self._ground, self._crew = ground, crew
        self.kills: list[judge.Kill] = []
        self._began = time.monotonic()
        self._thaw: list[tuple[float, Worker]] = []
        self._start: list[tuple[float, Worker]] = []

    def events(self, messages: int) -> Iterator[str]:
        """The events in their order; each kind at least once."""
        chosen = [name for name, count in EVENTS.items() for _ in range(max(1, count * messages // MESSAGES))]
        self._random.shuffle(chosen)
        return iter(chosen)

    def pause(self) -> float:
        """Seconds until the next event."""
        return self._random.uniform(3.0, 9.0)

    def say(self, what: str) -> None:
        print(f"  {time.monotonic() - self._began:6.1f} s  {what}", flush=True)

    def tick(self) -> None:
        """Thaw and start those whose time has come; start again who ended by itself."""
        now = time.monotonic()
        for waiting, act in ((self._thaw, "thaw"), (self._start, "start")):
            for due, worker in [one for one in waiting if one[0] <= now]:
                waiting.remove((due, worker))
                if act == "start":
                    worker.start()
                else:
                    worker.send(signal.SIGCONT)
        for worker in self._crew:
            worker.look()

    def strike(self, event: str) -> None:
        """Let it happen."""
        match event:
            case "kill a bulk worker" | "kill a worker":
                self._kill(bulk="bulk" in event)
            case "freeze a bulk worker":
                self._freeze()
            case "restart PostgreSQL, fast" | "restart PostgreSQL, immediate":
                away = self._random.uniform(0.2, 5.0)
                self.say(f"{event}, away for {away:.1f} s")
                self._ground.stop_postgres("fast" if event.endswith("fast") else "immediate")
                time.sleep(away)
                self._ground.start_postgres()
            case "kill Valkey":
                away = self._random.uniform(0.5, 8.0)
                self.say(f"{event}, away for {away:.1f} s")
                self._ground.kill_valkey()
                time.sleep(away)
                self._ground.start_valkey()
            case _:
                self.say(event)
                self._ground.flush_valkey()

    def _kill(self, *, bulk: bool) -> None:
        worker = self._one(bulk=bulk)
        if worker is None:
            return
        its_id = worker.id()
        worker.send(signal.SIGKILL)
        self._start.append((time.monotonic() + self._random.uniform(0.2, 4.0), worker))
        self._note("killed", worker, its_id)

    def _freeze(self) -> None:
        worker = self._one(bulk=True)
        if worker is None:
            return
        its_id = worker.id()
        worker.send(signal.SIGSTOP)
        self._thaw.append((time.monotonic() + FROZEN_S, worker))
        self._note(f"frozen for {FROZEN_S:.0f} s", worker, its_id)

    def _one(self, *, bulk: bool) -> Worker | None:
        resting = {worker.name for _, worker in (*self._thaw, *self._start)}
        able = [one for one in self._crew if one.bulk is bulk and one.lives and one.id() and one.name not in resting]
        return self._random.choice(able) if able else None

    def _note(self, what: str, worker: Worker, its_id: str | None) -> None:
        in_flight = judge.in_flight(self._ground, its_id)
        self.kills.append(judge.Kill(worker.name, its_id, in_flight))
        self.say(f"{worker.name} {what}, {in_flight} in flight")

    def end(self) -> None:
        """Everybody is thawed and started."""
        while self._thaw or self._start:
            time.sleep(0.2)
            self.tick()


def play(asked: Asked) -> judge.Verdict:
    """One campaign through one storm."""
    with stores() as ground, ExitStack() as stack:
        zalo_port = port()
        zalo = f"http://127.0.0.1:{zalo_port}"
        environ = ground.environ(ground.settings(), zalo)
        stack.enter_context(
            process(["-m", "govchat", "simulator", "--port", str(zalo_port)], environ, ground.home / "zalo.log")
        )
        wait_for(f"{zalo}/")
        each = asked.messages // len(asked.slugs)
        for slug in asked.slugs:
            ask(f"{zalo}/_control/seed", {"count": each, "oa": slug, "said": "xin chào"})
        weather(zalo, asked.slugs)
        campaigns = uvloop.run(announce(ground.settings(), asked.slugs, each))
        crew = [
            Worker(f"{name}-{number}", ["-m", "govchat", *arguments], environ, ground.home)
            for name, count, arguments in (("bulk", BULK, ["worker", "--bulk"]), ("worker", INTERACTIVE, ["worker"]))
            for number in range(1, count + 1)
        ]
        try:
            for worker in crew:
                worker.start()
            started(crew)
            storm = Storm(asked, ground, crew)
            _weather_it(storm, ground, asked, list(campaigns.values()))
        finally:
            ended = [worker.name for worker in crew if not worker.end()]
        told = judge.Told(asked.slugs, each, storm.kills, sum(worker.unasked for worker in crew), ended)
        judge.complaints(crew)
        return judge.judge(ground, zalo, told)


def _weather_it(storm: Storm, ground: Stores, asked: Asked, campaigns: Sequence[UUID]) -> None:
    """Event after event, then until nothing is open any more."""
    for event in storm.events(asked.messages):
        until = time.monotonic() + storm.pause()
        while time.monotonic() < until:
            time.sleep(0.1)
            storm.tick()
        storm.strike(event)
    storm.end()
    storm.say("the storm is over")
    until, looked = time.monotonic() + PATIENCE_S, 0.0
    while left := judge.still_open(ground, campaigns):
        if time.monotonic() > until:
            storm.say(f"given up: {left}")
            return
        if time.monotonic() - looked > 20:
            looked = time.monotonic()
            storm.say(f"open: {left}")
        time.sleep(0.5)
        storm.tick()
    storm.say("nothing is open any more")


def main() -> None:
    """Play, print the table, and leave with what it says."""
    if sys.argv[1:2] == ["cut"]:
        from benchmarks.cut import main as cut  # noqa: PLC0415

        cut()
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--messages", type=int, default=MESSAGES)
    given = parser.parse_args()
    asked = Asked(given.seed, given.messages)
    print(
        f"chaos: {asked.messages} messages over {', '.join(asked.slugs)}; --seed {asked.seed} plays it again",
        flush=True,
    )
    verdict = play(asked)
    print(verdict.table(), flush=True)
    sys.exit(0 if verdict.holds else 1)


if __name__ == "__main__":
    main()
