"""A circuit breaker for each Official Account: one that answers nothing is left alone for a while, then asked with a single message.

What counts is the road, not the answer: a refusal by Zalo is an answer, a hang, a reset and HTTP 500 are none.
"""

from collections import defaultdict
from uuid import UUID

from govchat.outbox.claim import Result

OPEN_AFTER = 8
FIRST_S, LONGEST_S = 2.0, 60.0


class Circuit:
    """One account's road: failures in a row, and until when nobody goes there."""

    __slots__ = ("failures", "open_until", "pause_s", "probing")

    def __init__(self) -> None:
        self.failures = 0
        self.open_until = 0.0
        self.pause_s = 0.0
        self.probing = False


class Breakers:
    """The circuits of one process; times are of a monotonic clock, seconds."""

    def __init__(self) -> None:
        self._circuits: dict[UUID, Circuit] = defaultdict(Circuit)

    def room(self, tenant_id: UUID, now: float) -> int | None:
        """How many messages may go: None for any number, 0 while open, 1 for the probe."""
        circuit = self._circuits.get(tenant_id)
        if circuit is None or not circuit.pause_s:
            return None
        return 0 if circuit.probing or now < circuit.open_until else 1

    def wait_s(self, tenant_id: UUID, now: float) -> float:
        """Until the next probe."""
        return max(0.0, self._circuits[tenant_id].open_until - now)

    def probe(self, tenant_id: UUID, *, going: bool) -> None:
        """The single message is on its way, or there was none to send."""
        circuit = self._circuits.get(tenant_id)
        if circuit is not None and circuit.pause_s:
            circuit.probing = going

    def note(self, tenant_id: UUID, result: Result, now: float) -> bool:
        """What became of a message; answers whether the circuit opened with it."""
        if result.outcome == "held back":
            return False
        circuit = self._circuits[tenant_id]
        circuit.probing = False
        if not road_failed(result):
            circuit.failures, circuit.pause_s = 0, 0.0
            return False
        circuit.failures += 1
        if circuit.failures < OPEN_AFTER or now < circuit.open_until:
            return False
        circuit.pause_s = min(circuit.pause_s * 2 or FIRST_S, LONGEST_S)
        circuit.open_until = now + circuit.pause_s
        return True


def road_failed(result: Result) -> bool:
    """Whether Zalo gave no answer of its own."""
    return result.zalo_code is None and result.kind is not None and result.state in ("queued", "uncertain")
