"""Faults on demand: what to break, for whom, how often.

Rules arrive through the control API or `World.faults.add`. A request asks `strike` before it is carried out and again before it is
answered; the courier of webhooks asks for its own kinds. Without rules nothing is asked: the hot path pays one truth test.
"""

import random
from collections.abc import Iterator
from typing import Any, Literal, get_args

import msgspec

Kind = Literal[
    "error",  # refuse with `code` of the error table
    "http",  # answer HTTP `status` (429, 500, …) with a body that is not JSON
    "reset",  # cut the connection without an answer, nothing done
    "hang",  # say nothing for `seconds`, then cut the connection, nothing done
    "latency",  # answer later, by `ms` plus up to `jitter_ms`
    "reply_lost",  # do it, record it, then cut the connection
    "echo_lost",  # no oa_send_* webhook for a send
    "webhook_lost",  # the webhook is never delivered
    "webhook_duplicate",  # the webhook is delivered twice, at the same time
    "webhook_reorder",  # the webhook is held back for `seconds`, so that later ones overtake it
    "webhook_down",  # the receiver looks unreachable: the webhook goes to the redelivery ladder
]

Call = Literal["", "cs", "template", "upload", "read", "write", "token", "zbs", "article"]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One rule. Empty `oa`, `user`, `call` mean any; `oa` is an OA id or a slug.

    `count`: how often it still strikes, None: always.
    """

    kind: Kind
    oa: str = ""
    user: str = ""
    call: Call = ""
    event: str = ""  # webhook faults: only events of this name
    code: int = -200
    status: int = 500
    seconds: float = 30.0
    ms: float = 0.0
    jitter_ms: float = 0.0
    probability: float = 1.0
    count: int | None = None
    struck: int = 0
    id: int = 0


KINDS: tuple[str, ...] = get_args(Kind)


class Faults:
    """The rules in force."""

    def __init__(self, seed: int | None = None) -> None:
        self._rules: list[Fault] = []
        self._next = 1
        self._random = random.Random(seed)  # noqa: S311  no secret hangs on it

    def __bool__(self) -> bool:
        return bool(self._rules)

    def add(self, fault: Fault) -> Fault:
        fault.id = self._next
        self._next += 1
        self._rules.append(fault)
        return fault

    def remove(self, fault_id: int) -> bool:
        kept = [rule for rule in self._rules if rule.id != fault_id]
        removed = len(kept) < len(self._rules)
        self._rules = kept
        return removed

    def clear(self) -> None:
        self._rules = []

    def listed(self) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(rule) for rule in self._rules]

    def strike(
        self, kinds: tuple[str, ...], oa: str, slug: str, *, user: str = "", call: str = "", event: str = ""
    ) -> Iterator[Fault]:
        """Rules of these kinds that strike now, in the order they were given; each spends one of its `count`."""
        for rule in list(self._rules):
            if rule.kind not in kinds or (rule.oa and rule.oa not in (oa, slug)) or (rule.user and rule.user != user):
                continue
            if (rule.call and rule.call != call) or (rule.event and rule.event != event):
                continue
            if rule.probability < 1.0 and self._random.random() >= rule.probability:
                continue
            if rule.count is not None:
                if rule.count <= 0:
                    continue
                rule.count -= 1
            rule.struck += 1
            yield rule

    def delay(self, rule: Fault) -> float:
        """Seconds a `latency` rule costs this time."""
        return (rule.ms + rule.jitter_ms * self._random.random()) / 1000
