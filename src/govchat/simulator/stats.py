"""Counters of what happened: sends accepted and refused, repeated texts, webhook latencies, how fast questions were answered.

Filled by the handlers and the courier, read by load tests through `GET /_control/stats`.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

KEPT_LATENCIES = 50_000
KEPT_REPEATS = 50
KEPT_TEXTS = 5_000_000


def percentiles(values: Iterable[float]) -> dict[str, float | int]:
    """Milliseconds at 50, 95, 99 and 100 percent, and how many were measured."""
    ordered = sorted(values)
    if not ordered:
        return {"count": 0, "p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}
    last = len(ordered) - 1
    return {
        "count": len(ordered),
        "p50": round(ordered[round(last * 0.50)], 2),
        "p95": round(ordered[round(last * 0.95)], 2),
        "p99": round(ordered[round(last * 0.99)], 2),
        "max": round(ordered[last], 2),
    }


@dataclass(slots=True)
class Stats:
    """Counters since the start or the last `DELETE /_control/stats`."""

    accepted: int = 0
    accepted_by_oa: Counter[str] = field(default_factory=Counter)
    accepted_by_kind: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    refused_by_oa: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    repeats: list[dict[str, str]] = field(default_factory=list)
    billed: int = 0
    webhooks: Counter[str] = field(default_factory=Counter)
    webhook_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_LATENCIES))
    reply_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_LATENCIES))
    faults: Counter[str] = field(default_factory=Counter)
    rotations: Counter[str] = field(default_factory=Counter)
    _texts: set[int] = field(default_factory=set)

    def said(self, oa_id: str, user_id: str, kind: str, text: str) -> None:
        """Count an accepted send; the same words to the same person a second time are a repeat."""
        self.accepted += 1
        self.accepted_by_oa[oa_id] += 1
        self.accepted_by_kind[kind] += 1
        fingerprint = hash((oa_id, user_id, kind, text))
        if fingerprint in self._texts:
            self.repeated += 1
            if len(self.repeats) < KEPT_REPEATS:
                self.repeats.append({"oa_id": oa_id, "user_id": user_id, "text": text[:200]})
        elif len(self._texts) < KEPT_TEXTS:
            self._texts.add(fingerprint)

    def refuse(self, oa_id: str, code: int) -> None:
        self.refused[code] += 1
        self.refused_by_oa[oa_id] += 1

    def report(self) -> dict[str, Any]:
        return {
            "accepted": self.accepted,
            "accepted_by_oa": dict(self.accepted_by_oa),
            "accepted_by_kind": dict(self.accepted_by_kind),
            "refused": {str(code): count for code, count in self.refused.items()},
            "refused_by_oa": dict(self.refused_by_oa),
            "repeated": self.repeated,
            "repeats": self.repeats,
            "billed": self.billed,
            "webhooks": dict(self.webhooks),
            "webhook_ms": percentiles(self.webhook_ms),
            "reply_ms": percentiles(self.reply_ms),
            "faults": dict(self.faults),
            "rotations": dict(self.rotations),
        }
