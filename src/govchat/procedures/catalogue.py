"""The starter catalogue: 110 procedures that citizens ask for most, as `data/starter.json` ships them.

Facts come from the national database of procedures (July 2026) and the laws; every figure says how sure it is. Provinces
lay their own figures over these rows: an unconfirmed figure must never reach a citizen as a promise.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from govchat.kit.phrases import phrases, shipped

Certainty = Literal["confirmed", "condensed", "inferred", "typical", "unconfirmed"]
"""confirmed: read in a source; condensed: shortened from one; inferred: follows from one; typical: usual in practice, no
source; unconfirmed: from memory alone."""

Unit = Literal["working_day", "calendar_day", "working_hour", "same_day"]
Level = Literal["commune", "province", "ministry", "other"]
Channel = Literal["online", "post", "counter"]

# full: toàn trình; partial: một phần; none: in person only; unclear: in person or partial, by place (Decree 224/2026).
Online = Literal["full", "partial", "none", "unclear"]

# plain_days: published as "ngày", the rule below it may mean working days. varies: several limits by case or area.
# sources_differ: the publication contradicts itself. unit_corrected: published with a wrong unit. recheck: the law has
# changed in detail since (Law 136/2025/QH15, Decrees 155 and 156/2026).
Caveat = Literal["plain_days", "varies", "sources_differ", "unit_corrected", "recheck"]

ROOM = "govchat.procedures"

_CODE = re.compile(r"([1-9]\.\d{6})(?:\.[0-9A-Z]+)*", re.ASCII)


class Variant(msgspec.Struct, frozen=True, gc=False):
    """A limit for some cases; `case` is empty when the source does not say which."""

    value: int
    unit: Unit
    case: str = ""


class Limit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How long the procedure may take (thời hạn giải quyết).

    `value` counts `unit`s and is 0 for `same_day`; both are None when the law gives no figure for the whole.
    """

    value: int | None = None
    unit: Unit | None = None
    variants: tuple[Variant, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    certainty: Certainty
    basis: str = ""

    @property
    def spelled(self) -> str:
        """The limit in Vietnamese with its variants, empty when there is none."""
        said = phrases(ROOM)
        unit = self.unit or (self.variants[0].unit if self.variants else None)
        if self.variants and all(variant.unit == unit and not variant.case for variant in self.variants):
            values = sorted({*([] if self.value is None else [self.value]), *(each.value for each in self.variants)})
            unit_said = said[f"unit_{self.variants[0].unit}"]
            return said["between"].format(least=values[0], most=values[-1], unit=unit_said)
        if self.value is None or self.unit is None:
            return "; ".join(
                f"{variant.case or said['varies']}: {_spell(variant.value, variant.unit)}" for variant in self.variants
            )
        main = _spell(self.value, self.unit)
        others = [
            f"{variant.case or said['other_case']}: {_spell(variant.value, variant.unit)}" for variant in self.variants
        ]
        return f"{main} ({'; '.join(others)})" if others else main


class Fee(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Fees and charges (phí, lệ phí). `amount` is in đồng and set only for one unconditional figure."""

    text: str
    amount: int | None = None
    certainty: Certainty
    basis: str = ""

    @property
    def spelled(self) -> str:
        """The fee as people read it; a figure alone is said in the words of the province that is spoken in."""
        if self.amount is None or self.text != amount_said(self.amount, shipped(ROOM)):
            return self.text
        return amount_said(self.amount, phrases(ROOM))


def amount_said(amount: int, said: Mapping[str, str]) -> str:
    """`50.000 đ`, or that nothing is charged, in these words of the room."""
    return said["fee"].format(amount=f"{amount:,}".replace(",", ".")) if amount else said["no_fee"]


class Flag(msgspec.Struct, frozen=True, gc=False):
    """A doubt about one field, to be settled by somebody who knows: `raw` is what the source says, `says` why that is doubted.

    `kind` is one of `procedures.flags.KINDS`.
    """

    field: str
    kind: str
    says: str
    raw: str = ""


class Procedure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An administrative procedure (thủ tục hành chính) as the national database describes it.

    `agencies` may decide or receive, in the source's order; `decision` published it; `topics` are the words under which
    provinces list it on their Official Accounts. `hidden` and `replaced_by` are a province's choice; `withdrawn` means that the
    catalogue has it no more, while dossiers received under it still find it.
    """

    code: str
    code_certainty: Certainty
    name: str
    official_name: str = ""
    issuer: str
    field: str
    levels: tuple[Level, ...]
    level_certainty: Certainty
    agencies: tuple[str, ...] = ()
    limit: Limit
    fee: Fee
    documents: tuple[str, ...]
    documents_certainty: Certainty
    online: Online
    online_certainty: Certainty
    channels: tuple[Channel, ...] = ()
    results: tuple[str, ...] = ()
    decision: str = ""
    legal_basis: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    source: str = ""
    address: str = ""
    opening_hours: str = ""
    note: str = ""
    hidden: bool = False
    replaced_by: str = ""
    withdrawn: bool = False
    flags: tuple[Flag, ...] = ()

    @property
    def is_provincial(self) -> bool:
        """Whether one province issued it: elsewhere the figures are only an example."""
        return self.issuer.startswith("UBND")


class Catalogue:
    """Procedures by national code, in code order."""

    __slots__ = ("_by_code",)

    def __init__(self, procedures: list[Procedure]) -> None:
        self._by_code = {procedure.code: procedure for procedure in sorted(procedures, key=lambda each: each.code)}

    def __len__(self) -> int:
        return len(self._by_code)

    def __iter__(self) -> Iterator[Procedure]:
        return iter(self._by_code.values())

    def get(self, code: str, on: date | None = None) -> Procedure | None:
        """The procedure of a national or provincial code, None when unknown or malformed.

        What ships has one version, whatever the day; `on` is what `book.View.get` takes.
        """
        return self._by_code.get(national_code(code) or "")


def national_code(code: str) -> str | None:
    """The national part of a procedure code: `1.012753` of `1.012753.H19` and of `1.012753.000.00.00.H19`; None if malformed."""
    match = _CODE.fullmatch(code.strip().upper())
    return match[1] if match else None


@cache
def starter() -> Catalogue:
    """The shipped catalogue, read once per process."""
    data = resources.files("govchat.procedures") / "data" / "starter.json"
    return Catalogue(msgspec.json.decode(data.read_bytes(), type=list[Procedure]))


def _spell(value: int, unit: Unit) -> str:
    said = phrases(ROOM)[f"unit_{unit}"]
    return said if unit == "same_day" else f"{value} {said}"
