"""What a step wants said to the citizen, and what it wants asked of the dossiers.

Read by the engine, which puts a `Say` into the outbox and performs a `LookUp`. Limits of Zalo's buttons are kept here (seen
November 2026: 5 buttons, titles of 100 characters); long texts are split by the sender.
"""

import msgspec

from govchat.conversation.state import State

MOST_BUTTONS = 5
LONGEST_TITLE = 100


class Tap(msgspec.Struct, frozen=True, tag="tap"):
    """A button that sends `payload` back as a text; payloads begin with "#"."""

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


class LookUp(msgspec.Struct, frozen=True):
    """Look these dossiers up (normalised keys, 1 to 3) for this citizen; a secret comes with one code only."""

    codes: tuple[str, ...]
    secret: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """The state after an event, at most one answer, and at most one question to the dossiers."""

    state: State
    say: tuple[Say, ...] = ()
    ask: LookUp | None = None
