"""One turn of a conversation as a step sees it: the state, what was heard, and the facts around it.

`step` builds it, the flows read it. A flow's table maps `(state.step or None for anywhere, Heard)` to a `Step`.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from govchat.conversation.context import Context
from govchat.conversation.events import DossierAnswer
from govchat.conversation.say import MOST_BUTTONS, Button, Form, LookUp, Outcome, Say
from govchat.conversation.state import State
from govchat.dossiers.codes import CodesFound


class Heard(StrEnum):
    """What an event amounts to; the values of `understand.Intent` are among them."""

    FOLLOWED = "followed"
    UNFOLLOWED = "unfollowed"
    OPENED_CHAT = "opened_chat"
    MENU = "menu"
    HELP = "help"
    GREETING = "greeting"
    THANKS = "thanks"
    CONTACT_OFFICE = "contact_office"
    LOOKUP = "lookup"
    LOST_CODE = "lost_code"
    LOST_SECRET = "lost_secret"  # noqa: S105 -- what was heard
    SECRET = "secret"  # noqa: S105 -- what was heard
    PERSONAL_NUMBER = "personal_number"
    WANTS_SECRET = "wants_secret"  # noqa: S105 -- a tapped button
    WANTS_PHONE = "wants_phone"
    SHARED_CONTACT = "shared_contact"
    LOOKED_UP = "looked_up"
    PICTURE = "picture"
    PLACE = "place"
    STICKER = "sticker"
    OTHER_MEDIA = "other_media"
    UNKNOWN = "unknown"


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """`typed` is the cleaned message, empty for anything but a text."""

    state: State
    context: Context
    heard: Heard
    typed: str = ""
    codes: CodesFound = CodesFound("")
    secret: str | None = None
    phone_known: bool = False
    answers: tuple[DossierAnswer, ...] = ()

    @property
    def awaiting_secret(self) -> bool:
        return awaiting_secret(self.state, self.context)

    def answer(
        self, *paragraphs: str, buttons: tuple[Button, ...] = (), form: Form | None = None, **changes: object
    ) -> Outcome:
        """Say one thing, its paragraphs set apart, and go on with `changes` to the state."""
        text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
        return Outcome(self._next(changes), (Say(text, buttons[:MOST_BUTTONS], form),))

    def ask(self, look_up: LookUp, **changes: object) -> Outcome:
        """Ask the dossiers first; the answers come back as an event."""
        return Outcome(self._next(changes), (), look_up)

    def silence(self, **changes: object) -> Outcome:
        return Outcome(self._next(changes))

    def _next(self, changes: dict[str, object]) -> State:
        return msgspec.structs.replace(self.state, **changes) if changes else self.state


def awaiting_secret(state: State, context: Context) -> bool:
    """Whether a short token that comes now may be the secret of the dossier looked up last."""
    return bool(state.codes) and context.seconds < state.awaiting_until


Step = Callable[[Turn], Outcome]
Table = Mapping[tuple[str | None, Heard], Step]
