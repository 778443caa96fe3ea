"""The wire structs of `/v1/callbacks`."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

Kind = Annotated[
    str,
    Meta(min_length=1, max_length=60, pattern=r"^[a-z_]+(\.[a-z_]+)*$", description="Such as notice.delivered"),
]
Address = Annotated[str, Meta(min_length=8, max_length=1000, description="https://…, without user name and fragment")]


class CallbackIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """An address and what it wants to hear; no `kinds` means everything."""

    url: Address
    kinds: Annotated[list[Kind], Meta(max_length=50)] = []
    description: Annotated[str, Meta(max_length=200)] = ""
    timeout_s: Annotated[int, Meta(ge=1, le=30)] = 10


class CallbackChange(CallbackIn, forbid_unknown_fields=True, kw_only=True):
    """The address as it should be from now on."""

    state: Literal["enabled", "disabled"] = "enabled"


class Replay(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to deliver again: messages since a moment, those not delivered unless `delivered_too`."""

    since: Annotated[datetime, Meta(tz=True)]
    delivered_too: bool = False


class CallbackOut(Struct, kw_only=True):
    """An address as it stands; the secret is never given back."""

    id: UUID
    url: str
    kinds: list[str]
    description: str
    timeout_s: int
    state: str
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_why: str | None
    created_at: datetime
    waiting: int
    failed: int


class NewCallback(Struct, kw_only=True):
    """An address just made, or its new secret: `secret` is shown this once."""

    id: UUID
    url: str
    secret: str


class DeliveryOut(Struct, kw_only=True):
    """One delivery; `message_id` is the `webhook-id` of its requests."""

    message_id: UUID
    kind: str
    state: str
    attempts: int
    created_at: datetime
    due_at: datetime
    last_status: int | None
    last_error: str | None
    finished_at: datetime | None


class Removed(Struct):
    """Whether there was something to remove."""

    removed: bool


class Queued(Struct):
    """How many deliveries are on their way."""

    queued: int
