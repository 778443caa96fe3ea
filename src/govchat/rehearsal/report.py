"""What a rehearsal found: per step what was done, what was expected and seen, how long it took; and whether all of it passed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from govchat.rehearsal.cast import Difference

Outcome = Literal["passed", "failed", "skipped"]


class Check(msgspec.Struct, frozen=True):
    """One thing expected and what was seen; `note` says more about a failure, `counted` that both are numbers of something."""

    what: str
    expected: str
    seen: str
    ok: bool
    note: str = ""
    counted: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One act. `broke` is why it could not be brought to its end; `todo` what to do when it failed."""

    number: int
    key: str
    title: str
    did: list[str]
    checks: list[Check]
    seconds: float
    outcome: Outcome
    broke: str = ""
    todo: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole rehearsal, as `--json` prints it. `figures` are totals for the last line."""

    slug: str
    full_name: str
    ok: bool
    started_at: datetime
    seconds: float
    stands_on: str
    differences: tuple[Difference, ...]
    figures: dict[str, int]
    steps: list[Step]
    log: str

    @property
    def failed(self) -> list[Step]:
        return [step for step in self.steps if step.outcome == "failed"]


class Sheet:
    """What one act notes while it plays."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.checks: list[Check] = []

    def tell(self, sentence: str) -> None:
        """Something that was done; Vietnamese."""
        self.did.append(sentence)

    def expect(self, what: str, expected: object, seen: object, note: str = "") -> bool:
        """Note an expectation; `note` is kept where it was not met."""
        ok = expected == seen
        counted = type(expected) is int and expected > 0
        self.checks.append(Check(what, shown(expected), shown(seen), ok, "" if ok else note, counted))
        return ok

    def answers(self, what: str, status: int, seen: int, note: str = "") -> bool:
        """Note an HTTP status that is expected."""
        return self.expect(what, f"HTTP {status}", f"HTTP {seen}", note)

    def at_most(self, what: str, limit: float, seen: float) -> bool:
        """Note something that may not be more than `limit`."""
        ok = seen <= limit
        self.checks.append(Check(what, f"≤ {shown(limit)}", shown(seen), ok))
        return ok

    @property
    def passed(self) -> bool:
        return all(check.ok for check in self.checks)


def shown(value: object) -> str:
    """A value as people here write it: 1.000, 2,5, có."""
    match value:
        case bool():
            return "có" if value else "không"
        case int():
            return f"{value:,}".replace(",", ".")
        case float():
            return f"{value:,.1f}".translate(str.maketrans(",.", ".,"))
        case _:
            return str(value)


def faults(step: Step) -> Iterator[str]:
    """What failed in a step, one sentence each."""
    for check in step.checks:
        if not check.ok:
            yield f"{check.what}: cần {check.expected}, thấy {check.seen}" + (f" ({check.note})" if check.note else "")
    if step.broke:
        yield step.broke
