"""The scales and the reasons: three levels or five, what is satisfied, what is poor, what can be tapped."""

import re
import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from govchat.kit.phrases import phrases
from govchat.zalo import messages

ROOM = "govchat.ratings"


_VERY = r"(?:rat|qua|cuc ky|vo cung|het suc)"
_NOT = r"(?:khong|ko|k|chua|chang|hong)"
_WORST = re.compile(
    rf"\b{_VERY} (?:{_NOT} hai long|te|kem|chan|buc|that vong|cham)\b|\b(?:te hai|kinh khung|that vong)\b"
)
_BAD = re.compile(
    rf"\b{_NOT} (?:duoc )?(?:hai long|tot|on|ro|nhanh|vui|dat)\b|\b(?:te|kem|chan|buc minh|lau qua|cham qua|tre hen)\b"
)
_BEST = re.compile(
    rf"\b{_VERY} (?:la )?(?:hai long|tot|ok|on|nhanh|ro|nhiet tinh|vui)\b|\b(?:tuyet voi|tuyet|xuat sac|10 diem)\b"
)
_MIDDLE = re.compile(r"\b(?:binh thuong|tam duoc|tam tam|tam on|tam)\b")
_GOOD = re.compile(r"\b(?:hai long|tot|ok|oke|on|duoc|nhanh|ro|ro rang|nhiet tinh|vui ve)\b")
_STARS = re.compile(r"([1-5]) ?(?:sao|diem|\*|/5)?")


def level_in(said: str, levels: int) -> int:
    """The level that folded words speak of; 0 where they speak of none, or of one that this scale does not have."""
    if _WORST.search(said):
        return 1
    if _BAD.search(said):
        return 1 if levels == 3 else 2
    if _BEST.search(said):
        return levels
    if _MIDDLE.search(said):
        return 0 if levels == 3 else 3
    return levels - 1 if _GOOD.search(said) else 0


def stars_in(said: str, levels: int) -> int:
    """The level of a lone number, the largest being the best; "5 sao" is the best of any scale. 0 for what is no level."""
    found = _STARS.fullmatch(said.strip(" .!"))
    if found is None:
        return 0
    number = int(found[1])
    if levels == 3 and ("sao" in said or "/5" in said):
        return 3 if number == 5 else 2 if number >= 3 else 1
    return number if number <= levels else 0


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reason to tap; `poor` ones go with a poor rating."""

    key: str
    poor: bool

    @property
    def title(self) -> str:
        """What people read, in the words of the province that is spoken in."""
        return phrases(ROOM)[f"reason_{self.key}"]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: tuple[Reason, ...]


def is_poor(level: int, levels: int) -> bool:
    """Not satisfied: the lowest of three, the lower two of five."""
    return level <= (1 if levels == 3 else 2)


def is_satisfied(level: int, levels: int) -> bool:
    """Satisfied or very satisfied: the upper two of either scale."""
    return level >= levels - 1


def buttons(code: str, levels: int) -> tuple[messages.Button, ...]:
    """One button a level, best first; the payload is a sentence like `đánh giá H19.12-261103-0007 3`."""
    said = phrases(ROOM)
    return tuple(
        messages.query(said[f"level_{levels}_{level}"], f"đánh giá {code} {level}") for level in range(levels, 0, -1)
    )


@cache
def reasons() -> tuple[Reason, ...]:
    """All, in the order in which they are offered."""
    raw = (files(ROOM) / "data" / "reasons.toml").read_bytes()
    return msgspec.convert(tomllib.loads(raw.decode()), _Table).reason


def reasons_for(level: int, levels: int) -> tuple[Reason, ...]:
    """Those that go with a level."""
    poor = is_poor(level, levels)
    return tuple(one for one in reasons() if one.poor is poor)
