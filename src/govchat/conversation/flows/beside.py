"""The second wish of a message, said with the answer to the first: in words where that is short, and always as a button.

From an outcome and what else was wished for (`state.Also`) to the outcome that serves both.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import msgspec

from govchat.conversation import payloads
from govchat.conversation.context import Context
from govchat.conversation.flows import office
from govchat.conversation.flows.front import tap
from govchat.conversation.flows.procedure_text import FIELDS, About, card, tell
from govchat.conversation.say import LONGEST_TITLE, MOST_BUTTONS, Outcome, Say, Tap
from govchat.conversation.state import Also
from govchat.conversation.wording import words

# The title of each button.
_TITLES: Mapping[str, str] = MappingProxyType(
    {
        payloads.LOOKUP: "lookup",
        payloads.MINE: "mine",
        payloads.LOST_CODE: "lost_code",
        payloads.EVENTS: "browse",
        payloads.FILE_ONLINE: "file_online",
        payloads.SUPPLEMENT: "supplement",
        payloads.PAYMENT: "payment",
        payloads.RESULT: "result",
        payloads.WITHDRAW: "withdraw",
        payloads.SCAN: "scan",
        payloads.SUBSCRIBE: "subscribe",
        payloads.UNSUBSCRIBE: "unsubscribe",
        payloads.OPT_OUT: "opt_out",
        payloads.LINK: "link",
        payloads.PERSON: "person",
        payloads.CONTACT: "contact",
        payloads.PETITION: "petition",
        payloads.PETITION_KIND: "report",
        payloads.COMPLAINT: "complaint",
        payloads.DISPUTE: "dispute",
        payloads.RATE: "rate",
        payloads.MY_PETITIONS: "my_petitions",
    }
)


def served(outcome: Outcome, also: Also, context: Context) -> Outcome:
    """The outcome with the second wish behind the first. An ask keeps it until its answer is there."""
    if outcome.ask is not None:
        return Outcome(msgspec.structs.replace(outcome.state, also=also), outcome.say, outcome.ask)
    button = _button(also, context)
    if not outcome.say or button is None:
        return outcome
    said = outcome.say[0]
    head, _, code = also.payload.partition(" ")
    if (
        head == payloads.CODE
        and code in outcome.state.codes
        and not also.aloud
        and outcome.state.looked_at == context.seconds
    ):
        return outcome  # it was told just now
    if any(isinstance(each, Tap) and each.payload == also.payload for each in said.buttons) and not also.aloud:
        return outcome  # it is offered already
    spoken = _spoken(also, context) if also.aloud else ""
    more = spoken or ("" if also.quiet else words("front.also", what=button.title))
    others = tuple(each for each in said.buttons if not (isinstance(each, Tap) and each.payload == also.payload))
    buttons = (*others[: MOST_BUTTONS - 1], button)
    state = outcome.state
    if spoken and also.payload.startswith(payloads.PROCEDURE) and state.topic_at != context.seconds:
        _, code, field = f"{also.payload}  ".split(" ")[:3]
        state = msgspec.structs.replace(state, procedure=code, field=field, topic_at=context.seconds)
    return Outcome(state, (Say(f"{said.text}\n\n{more}" if more else said.text, buttons, said.form),))


def caught_up(outcome: Outcome, context: Context) -> Outcome:
    """The outcome with the question that was put while too many were (`flood`); it stays where nothing is said."""
    missed = outcome.state.missed
    if missed is None or not outcome.say:
        return outcome
    state = msgspec.structs.replace(outcome.state, missed=None)
    return served(Outcome(state, outcome.say, outcome.ask), missed, context)


def _button(also: Also, context: Context) -> Tap | None:
    head, _, argument = also.payload.partition(" ")
    if head == payloads.PROCEDURE:
        found = context.shelf.find(argument.partition(" ")[0], context.today)
        return tap("procedure", also.payload, name=found.name[: LONGEST_TITLE - 10]) if found else None
    if head == payloads.CODE:
        return tap("one_code", also.payload, code=argument)
    if head == payloads.PRIVACY_KIND:
        return tap(f"privacy_{argument}", also.payload)
    if head == payloads.PETITION_CODE:
        return tap("petition_more", also.payload)
    return tap(_TITLES[head], also.payload) if head in _TITLES else None


def _spoken(also: Also, context: Context) -> str:
    """What can be said at once: a procedure's field or card, an office's hours."""
    head, _, argument = also.payload.partition(" ")
    if head == payloads.PROCEDURE:
        code, _, field = argument.partition(" ")
        found = context.shelf.find(code, context.today)
        if found is None:
            return ""
        about = About(found, context)
        return f"{words('procedure.head', name=found.name)}\n{tell(about, field)}" if field in FIELDS else card(about)
    return office.in_short(argument, date.fromisoformat(also.on) if also.on else None, context)
