"""One turn of a conversation as a step sees it: the state, what was heard, and the facts around it.

`step` builds it, the flows read it. A flow's table maps `(state.step or None for anywhere, Heard)` to a `Step`.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from govchat.conversation.asks import Ask
from govchat.conversation.context import Context
from govchat.conversation.events import DossierAnswer, Event
from govchat.conversation.say import MOST_BUTTONS, Button, Form, Outcome, Say
from govchat.conversation.state import TOPIC_S, Also, State
from govchat.dossiers.codes import CodesFound
from govchat.language.read import Reading

NOTHING = Reading(intent="out_of_scope", understood=False)


class Heard(StrEnum):
    """What an event amounts to; the values of `intents.Intent` are among them."""

    FOLLOWED = "followed"
    UNFOLLOWED = "unfollowed"
    OPENED_CHAT = "opened_chat"
    GIVEN_BACK = "given_back"
    MENU = "menu"
    AGAIN = "again"
    HELP = "help"
    CANCEL = "cancel"
    GREETING = "greeting"
    THANKS = "thanks"
    ABUSE = "abuse"
    OUT_OF_SCOPE = "out_of_scope"
    CONTACT_OFFICE = "contact_office"
    HUMAN = "human"
    LOOKUP = "lookup"
    PROGRESS = "progress"
    MY_DOSSIERS = "my_dossiers"
    LOST_CODE = "lost_code"
    LOST_SECRET = "lost_secret"  # noqa: S105 -- what was heard
    SECRET = "secret"  # noqa: S105 -- what was heard
    PERSONAL_NUMBER = "personal_number"
    WANTS_SECRET = "wants_secret"  # noqa: S105 -- a tapped button
    WANTS_PHONE = "wants_phone"
    LINK = "link"
    SHARED_CONTACT = "shared_contact"
    PROCEDURE = "procedure"
    BROWSE = "browse"
    GROUP = "group"
    FILE_ONLINE = "file_online"
    SUPPLEMENT = "supplement"
    PAYMENT = "payment"
    RESULT = "result"
    WITHDRAW = "withdraw"
    SCAN_HELP = "scan_help"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    OPT_OUT = "opt_out"
    PETITION = "petition"
    COMPLAINT = "complaint"
    COMPLAINT_STATUS = "complaint_status"
    DENUNCIATION = "denunciation"
    DISPUTE = "dispute"
    GRIEVANCE_PART = "grievance_part"
    RATING = "rating"
    RATE = "rate"
    REASON = "reason"
    OPINION = "opinion"
    COMMENT = "comment"
    AGREE = "agree"
    PETITION_CODE = "petition_code"
    PETITION_KIND = "petition_kind"
    DROP_PHOTO = "drop_photo"
    MY_PETITIONS = "my_petitions"
    MY_REQUESTS = "my_requests"
    PRIVACY_KIND = "privacy_kind"
    PETITION_MORE = "petition_more"
    TOLD = "told"
    HELD = "held"
    PETITIONED = "petitioned"
    FORGOTTEN = "forgotten"
    PRIVACY = "privacy"
    SURVEY = "survey"
    NO_SURVEY = "no_survey"
    BROADCAST = "broadcast"
    STAFF = "staff"
    LOOKED_UP = "looked_up"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    OPTED_OUT = "opted_out"
    MINE = "mine"
    PICTURE = "picture"
    PLACE = "place"
    STICKER = "sticker"
    OTHER_MEDIA = "other_media"
    UNKNOWN = "unknown"


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """`typed` is the cleaned message, `reading` how its words were read; both empty for anything but a text.

    `payload` is the tapped button, `argument` what it names (a code, a page), `event` what happened, for those who need more of it;
    `also` is what else the message wished for (`flows.beside` answers it).
    """

    state: State
    context: Context
    heard: Heard
    typed: str = ""
    codes: CodesFound = CodesFound("")
    secret: str | None = None
    reading: Reading = NOTHING
    argument: str = ""
    payload: str = ""
    phone_known: bool = False
    answers: tuple[DossierAnswer, ...] = ()
    event: Event | None = None
    also: Also | None = None

    @property
    def awaiting_secret(self) -> bool:
        return awaiting_secret(self.state, self.context)

    @property
    def topic(self) -> str:
        """The procedure that was talked about a while ago at most."""
        return self.state.procedure if topic_is_fresh(self.state, self.context) else ""

    def answer(
        self, *paragraphs: str, buttons: tuple[Button, ...] = (), form: Form | None = None, **changes: object
    ) -> Outcome:
        """Say one thing, its paragraphs set apart, and go on with `changes` to the state."""
        text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
        return Outcome(self._next(changes), (Say(text, buttons[:MOST_BUTTONS], form),))

    def ask(self, ask: Ask, **changes: object) -> Outcome:
        """Have something asked or done first; it comes back as an event."""
        return Outcome(self._next(changes), (), ask)

    def silence(self, **changes: object) -> Outcome:
        return Outcome(self._next(changes))

    def _next(self, changes: dict[str, object]) -> State:
        return msgspec.structs.replace(self.state, **changes) if changes else self.state


def awaiting_secret(state: State, context: Context) -> bool:
    """Whether a short token that comes now may be the secret of the dossier looked up last."""
    return bool(state.codes) and context.seconds < state.awaiting_until


def topic_is_fresh(state: State, context: Context) -> bool:
    """Whether short questions may still be about what was shown last."""
    return abs(context.seconds - state.topic_at) < TOPIC_S


Step = Callable[[Turn], Outcome]
Table = Mapping[tuple[str | None, Heard], Step]
