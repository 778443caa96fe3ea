"""What is laid over a procedure: by a national import over the shipped row, by a province over the national one.

A patch holds only what it says; everything else shines through. It is stored as JSON and merged once, when the book reads it.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from govchat.procedures.catalogue import Certainty, Channel, Fee, Flag, Level, Limit, Online, Procedure


class Patch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Fields of `Procedure`, each UNSET where nothing is said. `flags` doubt the fields that this patch says."""

    name: str | UnsetType = UNSET
    official_name: str | UnsetType = UNSET
    issuer: str | UnsetType = UNSET
    field: str | UnsetType = UNSET
    levels: tuple[Level, ...] | UnsetType = UNSET
    agencies: tuple[str, ...] | UnsetType = UNSET
    limit: Limit | UnsetType = UNSET
    fee: Fee | UnsetType = UNSET
    documents: tuple[str, ...] | UnsetType = UNSET
    online: Online | UnsetType = UNSET
    channels: tuple[Channel, ...] | UnsetType = UNSET
    results: tuple[str, ...] | UnsetType = UNSET
    decision: str | UnsetType = UNSET
    legal_basis: tuple[str, ...] | UnsetType = UNSET
    aliases: tuple[str, ...] | UnsetType = UNSET
    source: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    opening_hours: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    replaced_by: str | UnsetType = UNSET
    withdrawn: bool | UnsetType = UNSET
    flags: tuple[Flag, ...] = ()

    def said(self) -> dict[str, Any]:
        """Field → value, without the flags."""
        return {name: value for name in FIELDS if (value := getattr(self, name)) is not UNSET}

    def stored(self) -> dict[str, Any]:
        """As it goes into the database."""
        stored: dict[str, Any] = msgspec.to_builtins(self)
        return stored


FIELDS = tuple(name for name in Patch.__struct_fields__ if name != "flags")
NOTHING = Patch()

# What these fields say is read in a source or said by the province, whatever the row below came from.
_CERTAIN: dict[str, tuple[str, Certainty]] = {
    "levels": ("level_certainty", "confirmed"),
    "documents": ("documents_certainty", "confirmed"),
    "online": ("online_certainty", "confirmed"),
    "official_name": ("code_certainty", "confirmed"),
}

UNKNOWN_LIMIT = Limit(certainty="unconfirmed")
UNKNOWN_FEE = Fee(text="", certainty="unconfirmed")


def blank(code: str) -> Procedure:
    """A procedure of which nothing but the code is known."""
    return Procedure(
        code=code,
        code_certainty="confirmed",
        name="",
        issuer="",
        field="",
        levels=(),
        level_certainty="unconfirmed",
        limit=UNKNOWN_LIMIT,
        fee=UNKNOWN_FEE,
        documents=(),
        documents_certainty="unconfirmed",
        online="unclear",
        online_certainty="unconfirmed",
    )


def laid_over(base: Procedure, patch: Patch) -> Procedure:
    """`base` with what `patch` says. Doubts about a field end where the patch says it anew."""
    said = patch.said()
    changes = dict(said)
    for name, (certainty, value) in _CERTAIN.items():
        if name in said:
            changes[certainty] = value
    if "official_name" in said and not base.name and "name" not in said:
        changes["name"] = said["official_name"]
    again = {(flag.field, flag.kind) for flag in patch.flags}
    kept = tuple(flag for flag in base.flags if flag.field not in said and (flag.field, flag.kind) not in again)
    return msgspec.structs.replace(base, **changes, flags=(*kept, *patch.flags))


def joined(older: Patch, newer: Patch) -> Patch:
    """Both in one, the newer winning field by field."""
    said = newer.said()
    doubted = {flag.field for flag in newer.flags}
    kept = tuple(flag for flag in older.flags if flag.field not in said and flag.field not in doubted)
    return Patch(**{**older.said(), **said}, flags=(*kept, *newer.flags))


def read(stored: Any) -> Patch:
    """A patch as the database gives it; fields of a newer release are left alone."""
    return msgspec.convert(stored, Patch)
