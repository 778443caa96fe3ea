"""Judging a storm by Zalo's own book: who was told, how often, how fast; our own rows say no more than what we admit not to know."""

from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote
from uuid import UUID

import msgspec

from benchmarks.crew import Worker
from benchmarks.replies import ask
from benchmarks.stores import Stores

MOST_SHOWN = 8


class Kill(msgspec.Struct, frozen=True):
    """A worker that was killed or frozen, the id under which it claimed, and how many of its messages were `sending` then."""

    name: str
    worker: str | None
    in_flight: int


class Told(msgspec.Struct, frozen=True):
    """What was asked of the system and done to it."""

    slugs: Sequence[str]
    each: int
    kills: Sequence[Kill]
    ended_by_themselves: int = 0
    not_in_order: Sequence[str] = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The table and what stands below it. `sent` and `repeated` are Zalo's count."""

    rows: dict[str, dict[str, int]]
    in_flight: int
    uncertain_beyond: dict[str, int]
    over_limit: dict[str, str]
    faults: dict[str, int]
    refused: dict[str, int]
    ended_by_themselves: int
    not_in_order: Sequence[str]
    samples: Sequence[str]

    def sum(self, column: str) -> int:
        return sum(row[column] for row in self.rows.values())

    @property
    def broken(self) -> list[str]:
        """Every promise that was not kept."""
        found = [
            f"{column}: {self.sum(column)}, expected 0" for column in ("repeated", "lost", "false") if self.sum(column)
        ]
        if self.sum("uncertain") > self.in_flight:
            found.append(f"uncertain: {self.sum('uncertain')}, more than the {self.in_flight} in flight at the kills")
        found += [
            f"{name}: {count} uncertain more than in flight when it was killed"
            for name, count in self.uncertain_beyond.items()
        ]
        found += [f"over the limit: {name}, {what}" for name, what in self.over_limit.items()]
        if self.ended_by_themselves:
            found.append(f"{self.ended_by_themselves} workers ended by themselves")
        return found + [f"{name} did not end in order" for name in self.not_in_order]

    @property
    def holds(self) -> bool:
        return not self.broken

    def table(self) -> str:
        """As it is printed."""
        columns = ("accepted", "sent", "uncertain", "failed", "repeated", "lost", "false")
        lines = ["", f"{'province':<14}" + "".join(f"{name:>11}" for name in columns)]
        lines += [f"{slug:<14}" + "".join(f"{row[name]:>11}" for name in columns) for slug, row in self.rows.items()]
        lines.append(f"{'all':<14}" + "".join(f"{self.sum(name):>11}" for name in columns))
        lines.append(
            f"in flight at the kills: {self.in_flight}; Zalo broke {self.faults or 'nothing'}, refused {self.refused or 'nothing'}"
        )
        lines += [f"  {sample}" for sample in self.samples]
        lines += ["everything held"] if self.holds else ["NOT KEPT:", *(f"  {what}" for what in self.broken)]
        return "\n".join(lines)


def in_flight(ground: Stores, worker: str | None) -> int:
    """How many messages are `sending` under this id."""
    if worker is None:
        return 0
    statement = "SELECT count(*) FROM outbox_messages WHERE state = 'sending' AND claimed_by = $1"
    return int(ground.query(statement, UUID(worker))[0][0])


def uuid_of(worker: Worker) -> UUID:
    """Under which id it claims."""
    its_id = worker.id()
    assert its_id is not None, f"{worker.name} has not started"
    return UUID(its_id)


def still_open(ground: Stores, campaigns: Sequence[UUID]) -> str:
    """What is not final yet, in words; empty when everything is."""
    rows = ground.query(
        "SELECT state, count(*) AS n FROM outbox_messages WHERE body_ref = ANY($1) AND (state IN ('queued', 'sending') "
        "OR (state = 'uncertain' AND settled_by IS NULL)) GROUP BY state",
        list(campaigns),
    )
    states = ground.query("SELECT count(*) AS n FROM campaigns WHERE id = ANY($1) AND state <> 'done'", list(campaigns))
    parts = [f"{row['n']} {row['state']}" for row in rows]
    if states[0]["n"]:
        parts.append(f"{states[0]['n']} campaigns not done")
    return ", ".join(parts)


def judge(ground: Stores, zalo: str, told: Told) -> Verdict:
    """Zalo's book beside our rows."""
    rows, samples = {}, []
    for slug in told.slugs:
        shown = ask(f"{zalo}/_control/messages?oa={quote(slug)}&from=oa&limit=1000000")
        book = Counter(message["user_id"] for message in shown)
        ours = {
            row["zalo_user_id"]: row
            for row in ground.query(
                "SELECT c.zalo_user_id, m.state, m.settled_by, m.attempts, m.repeats, m.claimed_by, m.zalo_message_id "
                "FROM outbox_messages m JOIN citizens c ON c.tenant_id = m.tenant_id AND c.id = m.citizen_id "
                "JOIN tenants t ON t.id = m.tenant_id WHERE t.slug = $1",
                slug,
            )
        }
        row, wrong = _row(book, ours, [f"dev-{slug}-{number}" for number in range(1, told.each + 1)])
        rows[slug] = row
        samples += [f"{slug}: {one}" for one in wrong]
    stats = ask(f"{zalo}/_control/stats")
    return Verdict(
        rows=rows,
        in_flight=sum(kill.in_flight for kill in told.kills),
        uncertain_beyond=_beyond(ground, told.kills),
        over_limit=_over(stats),
        faults={kind: count for kind, count in stats["faults"].items() if kind != "latency"},
        refused=stats["refused"],
        ended_by_themselves=told.ended_by_themselves,
        not_in_order=told.not_in_order,
        samples=samples[:MOST_SHOWN],
    )


def _row(book: "Counter[str]", ours: dict[str, object], people: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """One province: `lost` heard nothing and nobody admits it, `false` are said to be told and were not, or the other way round."""
    row = dict.fromkeys(("accepted", "sent", "uncertain", "failed", "repeated", "lost", "false"), 0)
    row["accepted"] = len(people)
    wrong = []
    for person in people:
        mine = ours.get(person)
        state = mine["state"] if mine is not None else "no row"  # type: ignore[index]
        heard = book[person]
        row["sent"] += bool(heard)
        row["uncertain"] += state == "uncertain"
        row["failed"] += state == "failed"
        row["repeated"] += max(0, heard - 1)
        row["lost"] += not heard and state not in ("uncertain", "sent")
        row["false"] += (state == "sent") is not bool(heard) and state != "uncertain"
        if heard > 1 or (not heard and state != "uncertain") or (heard and state != "sent"):
            wrong.append(f"{person} heard {heard} times, our row: {dict(mine) if mine is not None else None}")  # type: ignore[call-overload]
    return row, wrong


def _beyond(ground: Stores, kills: Sequence[Kill]) -> dict[str, int]:
    """Workers of which more messages stayed uncertain than were in flight."""
    rows = ground.query(
        "SELECT claimed_by, count(*) AS n FROM outbox_messages WHERE state = 'uncertain' GROUP BY claimed_by"
    )
    uncertain = {str(row["claimed_by"]): int(row["n"]) for row in rows}
    flying = {kill.worker: kill.in_flight for kill in kills}
    return {
        worker: count - flying.get(worker, 0) for worker, count in uncertain.items() if count > flying.get(worker, 0)
    }


def _over(stats: dict[str, dict[str, dict[str, int]]]) -> dict[str, str]:
    """Every window that Zalo saw over its limit: refused, or counted in a sliding or a calendar minute."""
    return {
        f"{kind} {name}": (
            f"{meter['over_limit']} refused; {meter['max_in_60s']} in 60 s, {meter['max_in_minute']} in a minute of {meter['limit']}"
        )
        for kind in ("oas", "apps")
        for name, meter in stats[kind].items()
        if meter["over_limit"] or max(meter["max_in_60s"], meter["max_in_minute"]) > meter["limit"]
    }


def complaints(crew: Sequence[Worker]) -> None:
    """What the workers complained of, most first."""
    found = Counter(
        f"{line.get('event')}{' ' + str(line['error']) if 'error' in line else ''}"
        for worker in crew
        for line in worker.events()
        if line.get("level") in ("warning", "error") or line.get("event") == "not json"
    )
    print(
        "  the workers complained of: "
        + (", ".join(f"{what} ×{count}" for what, count in found.most_common(14)) or "nothing")
    )
