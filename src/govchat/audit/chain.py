"""How an entry's hash is made: SHA-256 over canonical JSON of every column, the hash of the entry before it included.

Pure. Writing and verifying both come here; the form is part of the stored data and is named in it by `FORM`.
"""

import hashlib
import json
import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

FORM = "govchat-audit-1"
# What the first entry follows.
NOTHING = bytes(32)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry, without its own hash."""

    tenant_id: UUID
    number: int
    at: datetime
    actor: str
    act: str
    subject: str
    before: Any
    after: Any
    previous_hash: bytes


def digest(entry: Entry) -> bytes:
    """The hash of an entry: 32 bytes."""
    parts = [
        FORM,
        str(entry.tenant_id),
        entry.number,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.act,
        entry.subject,
        entry.before,
        entry.after,
        entry.previous_hash.hex(),
    ]
    return hashlib.sha256(canonical(parts).encode()).digest()


def canonical(value: Any) -> str:
    """JSON with sorted keys, without blanks, in Unicode as it is: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def storable(value: Any) -> Any:
    """`value` as PostgreSQL's jsonb gives it back: structs as objects, times as text, whole floats as integers.

    What jsonb can't hold (U+0000, half surrogates, infinities) is replaced: a record must not be what stops an act. Raises
    `TypeError` for what is no data at all.
    """
    return _plain(msgspec.to_builtins(value, str_keys=True))


def text(value: str) -> str:
    """`value` as a text column can hold it."""
    return value.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _plain(value: Any) -> Any:
    match value:
        case str():
            return text(value)
        case bool() | int() | None:
            return value
        case float():
            if not math.isfinite(value):
                return str(value)
            return int(value) if value.is_integer() else value
        case dict():
            return {text(str(key)): _plain(each) for key, each in value.items()}
        case _:
            return [_plain(each) for each in value]
