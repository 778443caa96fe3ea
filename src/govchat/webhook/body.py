"""Reading a request's raw body and two of its headers with nothing in between: this is the hottest path of the house."""

from collections.abc import Awaitable, Callable
from typing import Any

from govchat.errors import DomainError

LARGEST_BODY = 1024 * 1024


class BodyTooLarge(DomainError):
    """More than an event can be."""

    status = 413
    code = "body_too_large"
    title = "The body is too large"


async def read_body(receive: Callable[[], Awaitable[Any]]) -> bytes:
    """The whole body; raises `BodyTooLarge` as soon as it is, without reading on."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body") and len(body) <= LARGEST_BODY:
        return body
    chunks, size = [body], len(body)
    while size <= LARGEST_BODY and message.get("more_body"):
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
    if size > LARGEST_BODY:
        raise BodyTooLarge(f"an event has at most {LARGEST_BODY} bytes")
    return b"".join(chunks)


def header(scope: Any, name: bytes) -> str | None:
    """A header's value; `name` in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return None
