"""The wire structs of `/v1/procedures`: what a province says of a procedure, and a procedure as the province has it."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from govchat.kit.phrases import shipped
from govchat.procedures.catalogue import (
    ROOM,
    Caveat,
    Certainty,
    Channel,
    Fee,
    Flag,
    Level,
    Limit,
    Online,
    Unit,
    Variant,
    amount_said,
)
from govchat.procedures.patch import FIELDS, Patch

# A line of blanks says nothing.
Line = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]
Name = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"\S")]
Paragraph = Annotated[str, Meta(max_length=4000)]
Lines = Annotated[list[Line], Meta(max_length=100)]
SOURCE = "đơn vị khai báo"


class VariantIn(Struct, forbid_unknown_fields=True):
    """A limit for some cases: `case` says which."""

    value: Annotated[int, Meta(ge=0, le=3650)]
    unit: Unit
    case: Line


class LimitIn(Struct, forbid_unknown_fields=True):
    """How long it may take; `value` is 0 for `same_day`. Variants alone mean that no one figure holds for all."""

    value: Annotated[int, Meta(ge=0, le=3650)] | None = None
    unit: Unit | None = None
    variants: Annotated[list[VariantIn], Meta(max_length=50)] = []

    def __post_init__(self) -> None:
        if (self.value is None) != (self.unit is None):
            raise ValueError("field `unit` and `value` go together: give both or neither")
        if self.value is None and not self.variants:
            raise ValueError("field `value` is missing: give value and unit, or variants")
        for value, unit in ((self.value, self.unit), *((each.value, each.unit) for each in self.variants)):
            if value is not None and (value == 0) != (unit == "same_day"):
                raise ValueError("field `value` is 0 for same_day and at least 1 for every other unit")


class FeeIn(Struct, forbid_unknown_fields=True):
    """A fee: `amount` in đồng where one figure holds for everybody, `text` for whatever must be said."""

    text: Annotated[str, Meta(max_length=2000)] = ""
    amount: Annotated[int, Meta(ge=0, le=10_000_000_000)] | None = None

    def __post_init__(self) -> None:
        if not self.text.strip() and self.amount is None:
            raise ValueError("field `text` or `amount` is missing: say the fee, 0 for none")


class OverrideIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the province says itself. A field left out is the national catalogue's; an empty object ends what was said before."""

    name: Name | UnsetType = UNSET
    official_name: Name | UnsetType = UNSET
    issuer: Line | UnsetType = UNSET
    field: Line | UnsetType = UNSET
    levels: list[Level] | UnsetType = UNSET
    agencies: Lines | UnsetType = UNSET
    limit: LimitIn | UnsetType = UNSET
    fee: FeeIn | UnsetType = UNSET
    documents: Annotated[list[Name], Meta(max_length=100)] | UnsetType = UNSET
    online: Online | UnsetType = UNSET
    channels: list[Channel] | UnsetType = UNSET
    results: Lines | UnsetType = UNSET
    decision: Line | UnsetType = UNSET
    legal_basis: Lines | UnsetType = UNSET
    aliases: Lines | UnsetType = UNSET
    address: Paragraph | UnsetType = UNSET
    opening_hours: Paragraph | UnsetType = UNSET
    note: Paragraph | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    replaced_by: Annotated[str, Meta(max_length=60)] | UnsetType = UNSET
    valid_from: (
        Annotated[
            date, Meta(description="From when it holds, for dossiers received from that day on. Left out: today.")
        ]
        | None
    ) = None

    def __post_init__(self) -> None:
        if self.valid_from is not None and not 1990 <= self.valid_from.year <= 2100:
            raise ValueError(f"field `valid_from` is {self.valid_from}: expected a year from 1990 to 2100")

    def patch(self) -> Patch:
        """As it is kept."""
        said: dict[str, Any] = {name: value for name in FIELDS if (value := getattr(self, name, UNSET)) is not UNSET}
        for name, value in said.items():
            if isinstance(value, list):
                said[name] = tuple(dict.fromkeys(value))
        if isinstance(self.limit, LimitIn):
            said["limit"] = Limit(
                value=self.limit.value,
                unit=self.limit.unit,
                variants=tuple(Variant(each.value, each.unit, each.case) for each in self.limit.variants),
                certainty="confirmed",
                basis=SOURCE,
            )
        if isinstance(self.fee, FeeIn):
            amount = self.fee.amount
            told = "" if amount is None else amount_said(amount, shipped(ROOM))
            said["fee"] = Fee(text=self.fee.text.strip() or told, amount=amount, certainty="confirmed", basis=SOURCE)
        return Patch(**said)


class LimitOut(Struct, kw_only=True):
    """A limit; `spelled` is how citizens read it."""

    value: int | None
    unit: Unit | None
    variants: tuple[Variant, ...]
    caveats: tuple[Caveat, ...]
    certainty: Certainty
    basis: str
    spelled: str


class FeeOut(Struct, kw_only=True):
    """A fee."""

    text: str
    amount: int | None
    certainty: Certainty
    basis: str


LayerName = Literal["national", "override", "own"]


class ProcedureOut(Struct, kw_only=True):
    """A procedure as this province has it on a day. `override` is what the province says itself, in the shape that PUT takes."""

    code: str
    name: str
    official_name: str
    issuer: str
    field: str
    levels: tuple[Level, ...]
    agencies: tuple[str, ...]
    address: str
    opening_hours: str
    limit: LimitOut
    fee: FeeOut
    documents: tuple[str, ...]
    documents_certainty: Certainty
    online: Online
    channels: tuple[Channel, ...]
    results: tuple[str, ...]
    decision: str
    legal_basis: tuple[str, ...]
    aliases: tuple[str, ...]
    source: str
    note: str
    hidden: bool
    replaced_by: str
    withdrawn: bool
    layer: LayerName
    valid_from: date | None
    national_version: int
    override_version: int
    override: dict[str, Any]
    flags: list[Flag]


class ProcedureBrief(Struct, kw_only=True):
    """A procedure in a list."""

    code: str
    name: str
    field: str
    agencies: tuple[str, ...]
    limit: str
    fee: str
    online: Online
    layer: LayerName
    hidden: bool
    replaced_by: str
    withdrawn: bool


class ProcedurePage(Struct, kw_only=True):
    """Some of the list; `next_cursor` is None at its end. `total` counts the whole list."""

    items: list[ProcedureBrief]
    total: int
    next_cursor: str | None


class FlagOut(Struct, kw_only=True):
    """A doubt about one field of one procedure."""

    code: str
    name: str
    field: str
    kind: str
    says: str
    raw: str


class FlagPage(Struct, kw_only=True):
    """Some of the doubts; `counts` is of all, by kind."""

    items: list[FlagOut]
    counts: dict[str, int]
    next_cursor: str | None


class VersionOut(Struct, kw_only=True):
    """One version of one layer: from which day (None: always), by whom, what it says."""

    layer: Literal["national", "province"]
    version: int
    valid_from: date | None
    recorded_at: datetime
    actor: str
    origin: str
    says: dict[str, Any]


class Overridden(Struct, kw_only=True):
    """What putting an override did, and the procedure as it is from that day on."""

    code: str
    outcome: Literal["created", "updated", "unchanged"]
    version: int
    procedure: ProcedureOut


def as_override(patch: Patch) -> dict[str, Any]:
    """A patch in the shape of `OverrideIn`."""
    said = patch.said()
    made = {
        name: list(value) if isinstance(value, tuple) else value for name, value in said.items() if name in _PUTTABLE
    }
    if isinstance(limit := said.get("limit"), Limit):
        made["limit"] = {"value": limit.value, "unit": limit.unit, "variants": _variants(limit.variants)}
    if isinstance(fee := said.get("fee"), Fee):
        made["fee"] = {"text": fee.text, "amount": fee.amount}
    return made


_PUTTABLE = frozenset(OverrideIn.__struct_fields__)


def _variants(variants: Iterable[Variant]) -> list[dict[str, Any]]:
    return [
        {"value": each.value, "unit": each.unit, "case": each.case or shipped(ROOM)["other_case"]} for each in variants
    ]
