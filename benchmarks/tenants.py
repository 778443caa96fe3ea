"""A thousand tenants instead of 34: what they cost while nobody speaks, and what a message costs when the same traffic is spread over them.

Targets: 1,000 idle tenants take at most 2 % of one core more than a stack with a single one, measured side by side; a message costs at
most 1.2 times the CPU, campaigns measured side by side too. `python -m benchmarks.tenants [idle|replies|fanout|campaigns] [TENANTS]`.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator, Sequence

from benchmarks.fanout import busy, sending, total
from benchmarks.ground import Ground, cpu_seconds, ground, port, process, towards, wait_for
from benchmarks.replies import measure, talking

FEW, MANY = 34, 1000
# The first tokens belong to the start. What is done every three minutes is seen once; webhooks are looked at four times an hour.
SETTLE_S, IDLE_S = 75.0, 180.0
PARTS = {"API": ["api"], "worker": ["worker"], "bulk worker": ["worker", "--bulk"]}
RATE, SECONDS = 40.0, 40
# Campaigns that go on before the count begins, when both have sent the first so many, and after it ends, when one has sent the second or
# after this long; and such that begin, are sent and end in it.
PLANNED, COUNTED, LONGEST_S = 120_000, (20_000, 90_000), 60.0
MESSAGES = 20_000


@contextlib.contextmanager
def stack(tenants: int) -> Iterator[tuple[Ground, dict[str, int]]]:
    """A whole stack but for Zalo, of which there is a stand-in: the ground and its process ids."""
    with ground(provinces=tenants) as place, contextlib.ExitStack() as running:
        api_port, zalo_port = port(), port()
        zalo = f"http://127.0.0.1:{zalo_port}"
        environ = towards(place, zalo, public_url=f"http://127.0.0.1:{api_port}")
        running.enter_context(process(["-m", "benchmarks.standin", str(zalo_port)], environ, place.folder / "zalo.log"))
        wait_for(f"{zalo}/stats")
        pids = {"PostgreSQL": place.postgres_pid, "Valkey": place.valkey_pid}
        for name, arguments in PARTS.items():
            more = ["--port", str(api_port)] if name == "API" else []
            child = process(["-m", "govchat", *arguments, *more], environ, place.folder / f"{arguments[-1]}.log")
            pids[name] = running.enter_context(child).pid
        wait_for(f"http://127.0.0.1:{api_port}/healthz/ready", 120)
        yield place, pids


def idle(many: int) -> None:
    """Two stacks side by side, one with a single tenant."""
    with stack(1) as (_, one), stack(many) as (_, all_):
        time.sleep(SETTLE_S)
        before = [{name: cpu_seconds(pid) for name, pid in pids.items()} for pids in (one, all_)]
        time.sleep(IDLE_S)
        one_cost, all_cost = (
            {name: (cpu_seconds(pid) - cpu[name]) / IDLE_S * 100 for name, pid in pids.items()}
            for pids, cpu in zip((one, all_), before, strict=True)
        )
    more = {name: all_cost[name] - one_cost[name] for name in one_cost}
    each = ", ".join(f"{name} {cost:.2f}" for name, cost in more.items())
    print(
        f"{many} idle tenants: {sum(more.values()):.2f} % of a core more than one tenant (target ≤ 2), which takes "
        f"{sum(one_cost.values()):.2f} %: {each}",
        flush=True,
    )


def replies(many: int) -> None:
    """The same messages of citizens a second over few and over many tenants, once a first message of each has been answered."""
    costs = []
    for tenants in (FEW, many):
        with talking(tenants) as talk:  # which has every tenant spoken to once, and its token fetched
            time.sleep(SETTLE_S)
            costs.append(measure(talk, RATE, SECONDS))
    print(
        f"replies over {many} tenants: {costs[1] / costs[0]:.2f} × the CPU a message costs over {FEW} (target ≤ 1.2)",
        flush=True,
    )


def fanout(many: int) -> None:
    """The same campaign messages, limits lifted, over few and over many tenants side by side; their campaigns are under way."""
    with sending_beside([many, FEW], PLANNED) as stacks:
        while min(total(zalo) for zalo, _ in stacks) < COUNTED[0]:
            time.sleep(0.2)
        before = [(total(zalo), {name: cpu_seconds(pid) for name, pid in pids.items()}) for zalo, pids in stacks]
        began = time.monotonic()
        while max(total(zalo) for zalo, _ in stacks) < COUNTED[1] and time.monotonic() - began < LONGEST_S:
            time.sleep(0.2)
        costs = []
        for tenants, (zalo, pids), (first, cpu) in zip((many, FEW), stacks, before, strict=True):
            sent = total(zalo) - first
            each = {name: (cpu_seconds(pid) - cpu[name]) / sent * 1000 for name, pid in pids.items()}
            costs.append(sum(each.values()))
            parts = ", ".join(f"{name} {cost:.2f}" for name, cost in each.items())
            print(f"  {sent} messages over {tenants} tenants: {costs[-1]:.2f} CPU s per 1,000: {parts}", flush=True)
    print(
        f"fan-out over {many} tenants: {costs[0] / costs[1]:.2f} × the CPU a message costs over {FEW} (target ≤ 1.2)",
        flush=True,
    )


@contextlib.contextmanager
def sending_beside(numbers: Sequence[int], count: int) -> Iterator[list[tuple[str, dict[str, int]]]]:
    """For each number of tenants a stack that sends `count` messages, limits lifted: the stand-in's address and the processes' ids.

    Prepared one after the other, begun together: a machine that others use gives both the same.
    """
    stacks: dict[int, tuple[str, dict[str, int]]] = {}
    begin, end = threading.Event(), threading.Event()
    threads = []

    def run(tenants: int, prepared: threading.Event, sends: threading.Event) -> None:
        def wait(_: str) -> None:
            prepared.set()
            begin.wait()

        try:
            with sending("benchmarks.lifted", tenants, count // tenants, wait) as (zalo, _, pids):
                stacks[tenants] = zalo, pids
                sends.set()
                end.wait()
        finally:
            prepared.set()
            sends.set()

    try:
        for tenants in numbers:
            prepared, sends = threading.Event(), threading.Event()
            thread = threading.Thread(target=run, args=(tenants, prepared, sends))
            thread.start()
            threads.append((thread, sends))
            prepared.wait()
        begin.set()
        for _, sends in threads:
            sends.wait()
        yield [stacks[tenants] for tenants in numbers]
    finally:
        begin.set()
        end.set()
        for thread, _ in threads:
            thread.join()


def campaigns(many: int) -> None:
    """The same, from the first message to the last of a campaign in each tenant: what a campaign costs by itself, and a tenant that the
    workers have not sent for yet, is in it."""
    costs = [busy(tenants, MESSAGES // tenants) for tenants in (FEW, many)]
    each = (costs[1] - costs[0]) * MESSAGES / (many - FEW)
    print(
        f"whole campaigns of {MESSAGES // many} messages over {many} tenants: {costs[1] / costs[0]:.2f} × the CPU a message costs in such "
        f"of {MESSAGES // FEW} over {FEW}; {each:.1f} ms more for each campaign and tenant more",
        flush=True,
    )


ACTS = {"idle": idle, "replies": replies, "fanout": fanout, "campaigns": campaigns}


def all_of_it() -> None:
    """Everything, at the target's number."""
    for act in ACTS.values():
        act(MANY)


def main() -> None:
    """Run what the command line names."""
    many = next((int(word) for word in sys.argv[1:] if word.isdigit()), MANY)
    for name in [name for name in sys.argv[1:] if name in ACTS] or list(ACTS):
        ACTS[name](many)


if __name__ == "__main__":
    main()
