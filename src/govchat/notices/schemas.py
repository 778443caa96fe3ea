"""What `GET /v1/messages/{id}` answers: the whole story of one message, without words, names, numbers or secrets."""

from datetime import datetime
from typing import Literal

from msgspec import Struct


class Attempt(Struct, kw_only=True):
    """One call to Zalo. `answer` is Zalo's own text with our explanation, redacted; the last of a message that was said is `sent`."""

    number: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    zalo_code: int | None
    kind: str | None
    answer: str | None


class Told(Struct, kw_only=True):
    """One message. `waited_s` is from when it was due to the first call: the bucket of Zalo's limits, and the queue before it."""

    id: str
    lane: Literal["reply", "notice", "staff", "campaign"]
    state: str
    cause: str
    caused_at: datetime
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None
    waited_s: float | None
    accepted_after_s: float | None
    repeats: int
    settled_by: str | None
    zalo_message_id: str | None
    attempts: list[Attempt]
    channel: str | None = None
    template_id: str | None = None
    cost: int | None = None
    money: str | None = None
    delivered_at: datetime | None = None
    seen_at: datetime | None = None


class Against(Struct):
    """A channel that was not taken, and why."""

    channel: str
    why: str


class Decided(Struct, kw_only=True):
    """Why a notice was said as it was, or not at all: what held when it was decided. Hours and đồng."""

    notice_id: str
    dossier_code: str
    change_number: int
    kind: str
    state: str
    channel: str | None
    reason: str
    consent: str
    followed_by: str
    hours_since_interaction: float | None
    paid_window: bool
    quiet_hours: str
    urgent: bool
    held: bool
    budget_left: int
    cost: int
    against: list[Against]
    blocked: list[str]
    merged: list[int]
    merged_into: str | None
    wording_version: int
    planned_at: datetime
    due_at: datetime | None


class Story(Struct, kw_only=True):
    """Everything that is known of one message: the decision (notices alone) and each message that was put for it, oldest first."""

    id: str
    decision: Decided | None
    messages: list[Told]
