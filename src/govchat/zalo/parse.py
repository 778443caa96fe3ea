"""Reads JSON that others wrote: bytes in, plain objects with texts instead of numbers out.

Zalo writes ids and times as strings, but not always; whoever reads a field through here need not care.
"""

import re
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

# Deeper than anything Zalo sends, far from the depth that troubles a parser or PostgreSQL.
MAX_DEPTH = 64

T = TypeVar("T")

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class Unreadable(ValueError):
    """Bytes that are no JSON object we are ready to read; the text says why and never quotes them."""


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; raises `Unreadable` when it is not UTF-8, not JSON, not an object or nested too deep."""
    if _too_deep(body):
        raise Unreadable(f"nested deeper than {MAX_DEPTH} levels")
    try:
        if not body.isascii():
            body.decode()
        found = msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 at byte {error.start}") from None
    except msgspec.ValidationError:
        raise Unreadable("a number out of range") from None
    except msgspec.DecodeError:
        raise Unreadable("not JSON" if body.strip() else "empty") from None
    if not isinstance(found, dict):
        raise Unreadable(f"a JSON object was expected, {_json_name(found)} came")
    return found


def _too_deep(body: bytes) -> bool:
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return False
    depth = 0
    for byte in _STRINGS.sub(b"", body).translate(None, _ALL_BUT_BRACKETS):
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        else:
            depth -= 1
    return False


def _json_name(value: object) -> str:
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        return "a string"
    return "null" if value is None else "a number or a boolean"


def as_text(value: object) -> str | None:
    """A string as it is, a number as its digits, anything else as None."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return None


def with_texts(value: Any) -> Any:
    """The same JSON value with every number turned into a string; booleans stay."""
    if isinstance(value, dict):
        return {key: with_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_texts(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return as_text(value)
    return value


def as_struct(value: Any, into: type[T]) -> T:
    """`value` read into the struct type `into`, numbers as strings; raises `Unreadable` that names the field."""
    try:
        return msgspec.convert(with_texts(value), into)
    except msgspec.ValidationError as error:
        raise Unreadable(str(error)) from None


def as_int(text: str | None) -> int | None:
    """The whole number written in `text`, None when there is none."""
    return int(text) if text is not None and _WHOLE_NUMBER.fullmatch(text) else None


def moment(timestamp: str | None) -> datetime | None:
    """The instant of a timestamp in milliseconds, aware in UTC; None when it is none between 1970 and 9999."""
    milliseconds = as_int(timestamp)
    if milliseconds is None or not 0 <= milliseconds < 253_402_300_800_000:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
