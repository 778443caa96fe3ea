"""The ten national statuses of a dossier, as the one-stop systems synchronise them with the National Portal.

The numbers are theirs; label and sentence, in `wording/vi.toml`, are what a citizen reads. Statuses 5, 6 and 8 count as paused: the
time limit does not run. A terminal status is left only when somebody reopens the dossier.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from govchat.kit.clock import VN
from govchat.kit.phrases import phrases, shipped


class Status(msgspec.Struct, frozen=True):
    """One national status: `label` is the official name, `sentence` says to the citizen what it means for them."""

    number: int
    label: str
    sentence: str
    paused: bool = False
    terminal: bool = False
    waits_for_citizen: bool = False

    @property
    def running(self) -> bool:
        """Whether an office is at work and the time limit runs, so that the dossier can be late."""
        return not (self.paused or self.terminal) and self.number != 9


ROOM = "govchat.dossiers"


def _status(number: int, *, paused: bool = False, terminal: bool = False, waits: bool = False) -> Status:
    said = shipped(ROOM)
    return Status(number, said[f"status_{number}_label"], said[f"status_{number}_sentence"], paused, terminal, waits)


STATUSES: Mapping[int, Status] = MappingProxyType(
    {
        status.number: status
        for status in (
            _status(1),
            _status(2),
            _status(3, terminal=True),
            _status(4),
            _status(5, paused=True, waits=True),
            _status(6, paused=True, waits=True),
            _status(7, terminal=True),
            _status(8, paused=True, terminal=True),
            _status(9),
            _status(10, terminal=True),
        )
    }
)


def label_of(status: Status) -> str:
    """Its name as the province that is spoken in says it (`kit.phrases.overlaid`)."""
    return phrases(ROOM)[f"status_{status.number}_label"]


def moment(at: datetime) -> str:
    """`09:12 ngày 20/11/2026` in Vietnam, as that province writes it."""
    local = at.astimezone(VN)
    return phrases(ROOM)["moment"].format(time=f"{local:%H:%M}", day=f"{local:%d/%m}/{local.year}")


def sentence_of(status: Status) -> str:
    """What it means for the citizen, in that province's words."""
    return phrases(ROOM)[f"status_{status.number}_sentence"]


class SubStatus(msgspec.Struct, frozen=True):
    """A sub-state the law or the national lists know within a status: `label` and `sentence` as for a status."""

    name: str
    of: int
    label: str
    sentence: str


# Each with the status it stands within.
_WITHIN = {"awaiting_confirmation": 4, "with_other_agency": 4, "fee": 6, "financial_obligation": 6}
SUB_STATUSES: Mapping[str, SubStatus] = MappingProxyType(
    {
        name: SubStatus(name, of, shipped(ROOM)[f"sub_{name}_label"], shipped(ROOM)[f"sub_{name}_sentence"])
        for name, of in _WITHIN.items()
    }
)
