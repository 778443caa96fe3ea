"""The scales and the reasons: three levels or five, what is satisfied, what is poor, what can be tapped."""

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from govchat.kit.phrases import phrases
from govchat.zalo import messages

ROOM = "govchat.ratings"


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
