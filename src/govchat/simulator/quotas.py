"""What an OA may still send today: daily ZBS quota, promotions per person and day, messages billed between 48 hours and 7 days.

Days are those of Asia/Ho_Chi_Minh; a counter of an earlier day or month is forgotten when a new one begins.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from govchat.kit.clock import VN
from govchat.simulator.refusals import Refusal


def local(now: float) -> datetime:
    return datetime.fromtimestamp(now, VN)


def is_night(now: float) -> bool:
    """22:00 to 06:00 in Vietnam."""
    return not 6 <= local(now).hour < 22


@dataclass(slots=True)
class Quotas:
    """`zbs_daily`: template messages by phone per OA and day. `included`: billed messages the package covers a month."""

    zbs_daily: int = 10_000
    included: int = 2_000
    _day: str = ""
    _month: str = ""
    _zbs: Counter[str] = field(default_factory=Counter)
    _promotions: Counter[tuple[str, str]] = field(default_factory=Counter)
    _templates: Counter[tuple[str, str]] = field(default_factory=Counter)
    _billed: Counter[str] = field(default_factory=Counter)

    def zbs_left(self, oa_id: str, now: float) -> int:
        self._turn(now)
        return max(0, self.zbs_daily - self._zbs[oa_id])

    def take_zbs(self, oa_id: str, now: float) -> int:
        """Spend one of today's template messages and answer how many are left. Raises `Refusal` -144."""
        self.check_zbs(oa_id, now)
        self._zbs[oa_id] += 1
        return self.zbs_daily - self._zbs[oa_id]

    def check_zbs(self, oa_id: str, now: float) -> None:
        """Raises `Refusal` -144 when nothing is left of the OA's day."""
        if self.zbs_left(oa_id, now) <= 0:
            raise Refusal(-144)

    def take_template(self, oa_id: str, template_id: str, most: int | None, now: float, code: int) -> None:
        """One message of a template, by user id or by phone; `most` a day, None: any number. Raises `Refusal(code)` beyond it."""
        self._turn(now)
        if most is not None and self._templates[oa_id, template_id] >= most:
            raise Refusal(code, "daily limit of the template" if code == -211 else "")
        self._templates[oa_id, template_id] += 1

    def take_promotion(self, oa_id: str, recipient: str, now: float, code: int) -> None:
        """One promotion per person, OA and day. Raises `Refusal(code)` on the second."""
        self._turn(now)
        if self._promotions[oa_id, recipient]:
            raise Refusal(code)
        self._promotions[oa_id, recipient] += 1

    def bill(self, oa_id: str, now: float) -> int:
        """Count a consultation message sent after 48 hours; answers what is left of the package, below 0: paid one by one."""
        self._turn(now)
        self._billed[oa_id] += 1
        return self.included - self._billed[oa_id]

    def _turn(self, now: float) -> None:
        day = local(now).strftime("%Y-%m-%d")
        if day != self._day:
            self._day = day
            self._zbs.clear()
            self._promotions.clear()
            self._templates.clear()
        if day[:7] != self._month:
            self._month = day[:7]
            self._billed.clear()
