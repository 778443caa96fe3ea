"""What a step wants said to the citizen, and what it wants asked first.

Read by the engine, which puts a `Say` into the outbox and has an `Ask` performed. Limits of Zalo's buttons are kept here (seen
November 2026: 5 buttons, titles of 100 characters); long texts are split by the sender.
"""

import msgspec

from govchat.conversation.asks import Ask
from govchat.conversation.state import State

MOST_BUTTONS = 5
LONGEST_TITLE = 100


class Tap(msgspec.Struct, frozen=True, tag="tap"):
    """A button that sends `payload` back as a text; payloads begin with "#" and leave as tokens (`buttons`)."""

    title: str
    payload: str


class Link(msgspec.Struct, frozen=True, tag="link"):
    """A button that opens a page."""

    title: str
    url: str


Button = Tap | Link


class Form(msgspec.Struct, frozen=True):
    """Zalo's own contact form (`request_user_info`), sent after the text."""

    title: str
    subtitle: str


class Say(msgspec.Struct, frozen=True):
    """One answer."""

    text: str
    buttons: tuple[Button, ...] = ()
    form: Form | None = None


class Outcome(msgspec.Struct, frozen=True):
    """The state after an event, at most one answer, and at most one ask."""

    state: State
    say: tuple[Say, ...] = ()
    ask: Ask | None = None
