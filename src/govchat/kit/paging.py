"""Pages by cursor: a list read in the order of its key, the cursor being the key of the last item shown.

A cursor is opaque to callers and no secret: whatever it names is looked for inside the caller's own province alone.
"""

import base64
import binascii
from typing import ClassVar, Generic, TypeVar

import msgspec

from govchat.errors import DomainError

T = TypeVar("T")

DEFAULT_LIMIT, LARGEST_LIMIT = 50, 200


class CursorInvalid(DomainError):
    """A cursor that this list did not give."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "cursor_invalid"
    title: ClassVar[str] = "The cursor is not one of this list"


class Page(msgspec.Struct, Generic[T]):
    """Some items of a list; `next_cursor` leads to those after them and is null on the last page."""

    items: list[T]
    next_cursor: str | None


def encode(name: str, key: str) -> str:
    """The cursor that stands after the item with this key in the list `name`."""
    return base64.urlsafe_b64encode(msgspec.json.encode((name, key))).decode().rstrip("=")


def decode(name: str, cursor: str) -> str:
    """The key inside a cursor of the list `name`; raises `CursorInvalid`."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        of, key = msgspec.json.decode(raw, type=tuple[str, str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        of = key = ""
    if of != name:
        raise CursorInvalid(
            f'cursor "{cursor[:80]}" was not given by this list: send `next_cursor` of the page before, or none for the first page'
        )
    return key
