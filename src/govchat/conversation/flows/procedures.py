"""Questions about procedures: the field that was asked, the card, or a short question back when several may be meant.

From a reading (or a tapped button) and the province's catalogue in force today. What was shown is remembered, so that "còn phí?" needs
no name; nothing is made up for a procedure that the catalogue does not have.
"""

import re

from govchat.conversation import payloads
from govchat.conversation.flows import front
from govchat.conversation.flows.front import NATIONAL_PORTAL, contact_line, national_portal_button, tap
from govchat.conversation.flows.procedure_text import FIELDS, About, card, tell
from govchat.conversation.rulebook import names_something_else, other_words
from govchat.conversation.say import LONGEST_TITLE, Button, Link, Outcome
from govchat.conversation.state import MOST_CHOICES
from govchat.conversation.turn import Heard, Table, Turn, topic_is_fresh
from govchat.conversation.wording import words
from govchat.kit.text import fold
from govchat.procedures.catalogue import Procedure

_MOST_GUESSES = 3
_ASKED_ON = 8  # words of a question about what was shown last
_PLACE = re.compile(
    r"\b(?:xa|phuong|tinh|trung tam|mot cua)\b.*\b(?:nop|lam)\b|\b(?:nop|lam)\b.*\b(?:xa|phuong|tinh|trung tam|mot cua)\b"
)
_CASE = re.compile(r"\bphat\b|\bneu\b|\bthi sao\b|\bco sao (?:khong|ko|k)\b|\b(?:khong|ko|k) (?:cho|chiu|dong y|ky)\b")
_SHORT = 6  # words of a follow-up
_PORTAL_PAGE = "https://dichvucong.gov.vn/"


def about_of(turn: Turn, code: str) -> About | None:
    """The procedure as this province has it; one that only another province issued comes without figures."""
    shelf, today = turn.context.shelf, turn.context.today
    found = shelf.find(code, today)
    if found is not None:
        return About(found, turn.context)
    named = shelf.catalogue.get(code, today)
    if named is not None and named.is_provincial and not (named.hidden or named.withdrawn or named.replaced_by):
        return About(named, turn.context, ours=False)
    return None


def _asked(turn: Turn) -> Outcome:
    """A question in words or by button."""
    if turn.argument:
        code, _, field = turn.argument.partition(" ")
        about = about_of(turn, code)
        return show(turn, about, field) if about else _gone(turn)
    reading = turn.reading
    offered = [about for each in reading.procedures if (about := about_of(turn, each.code)) is not None]
    dropped = bool(reading.procedures) and (not offered or offered[0].procedure.code != reading.procedures[0].code)
    if (about_topic := _of_the_topic(turn, offered)) is not None:
        return about_topic
    if not offered:
        return _which(turn)
    if reading.ask_why == "two wishes" and len(offered) > 1:
        return _both(turn, offered[0], offered[1])
    if reading.ask_back or dropped:
        return _which_of(turn, offered)
    return show(turn, offered[0], reading.field)


def _of_the_topic(turn: Turn, offered: list[About]) -> Outcome | None:
    """A question asked on about the procedure shown last; None where it is about another, or may be."""
    topic = about_of(turn, turn.topic) if turn.topic else None
    if topic is None:
        return None
    asked = turn.reading.procedures[0].code if turn.reading.procedures else ""
    if turn.reading.inherited and asked == turn.topic and _is_a_case(turn.typed):
        return _case(turn, topic)
    asked_on = turn.reading.ask_back and _is_about(topic, offered, turn)
    return show(turn, topic, _field_asked(turn)) if asked_on else None


def _field_asked(turn: Turn) -> str:
    return turn.reading.field or ("where" if _PLACE.search(fold(turn.typed)) else "")


def _is_a_case(text: str) -> bool:
    """Whether it is asked what becomes of somebody's own case: "trễ hạn thì có bị phạt không", "chủ nhà không cho thì sao"."""
    return bool(_CASE.search(fold(text))) and other_words(text) > 0


def _case(turn: Turn, about: About) -> Outcome:
    """No published figure answers it, and none is read out instead: who can tell, and where."""
    code = about.procedure.code
    return turn.answer(
        words("procedure.head", name=about.procedure.name),
        f"{words('procedure.case')} {contact_line(turn.context.tenant)}",
        buttons=(
            tap("person", payloads.PERSON),
            tap("field_documents", payloads.spelled(payloads.PROCEDURE, code, "documents")),
            tap("field_where", payloads.spelled(payloads.PROCEDURE, code, "where")),
            tap("contact", payloads.CONTACT),
        ),
        step="idle",
        procedure=code,
        topic_at=turn.context.seconds,
        choices=(),
        misses=0,
    )


def _is_about(topic: About, offered: list[About], turn: Turn) -> bool:
    """Whether a question that could be about several procedures is about the one shown last."""
    if len(turn.typed.split()) > _ASKED_ON:
        return False
    if any(about.procedure.code == topic.procedure.code for about in offered):
        return True
    guessed = turn.reading.ask_why in ("only guessed", "it only resembles a sentence")
    return guessed and _field_asked(turn) in FIELDS and other_words(turn.typed) < 2


def show(turn: Turn, about: About, field: str = "") -> Outcome:
    """The field that was asked, else the card; it is the topic from here on."""
    field = field if field in FIELDS else ""
    parts = [tell(about, field)] if field else [card(about)]
    if field:
        parts.insert(0, words("procedure.head", name=about.procedure.name))
    if not about.ours:
        parts.append(contact_line(turn.context.tenant))
    return turn.answer(
        *parts,
        buttons=_buttons(about, field),
        step="idle",
        procedure=about.procedure.code,
        field=field,
        topic_at=turn.context.seconds,
        choices=(),
        misses=0,
    )


def _buttons(about: About, field: str) -> tuple[Button, ...]:
    code = about.procedure.code
    fields = [each for each in ("documents", "fee", "time", "where", "how") if each != field]
    if not field:
        fields = ["documents", "how", "legal_basis"]  # the card says the rest
    taps = [tap(f"field_{each}", payloads.spelled(payloads.PROCEDURE, code, each)) for each in fields]
    if not about.ours:
        taps = []
    return (*taps[:3], portal_link(about.procedure), tap("contact", payloads.CONTACT))


def portal_link(procedure: Procedure) -> Link:
    """The procedure's page on the National Portal, from which it is filed; the Portal's first page when no page is known."""
    page = procedure.source if procedure.source.startswith(_PORTAL_PAGE) else NATIONAL_PORTAL
    return Link(
        words("button.file_here" if procedure.online in ("full", "partial") else "button.national_portal"), page
    )


def _which_of(turn: Turn, offered: list[About], *, again: bool = False) -> Outcome:
    """A short question with buttons; a number typed answers it, too."""
    offered = offered[:MOST_CHOICES]
    field = turn.reading.field
    guessed = turn.reading.ask_why == "only guessed" and not again
    if guessed:
        topic = about_of(turn, turn.topic) if turn.topic and not names_something_else(turn.typed) else None
        first = [topic] if topic is not None and all(each.procedure.code != turn.topic for each in offered) else []
        offered = [*first, *offered][:_MOST_GUESSES]
    lines = [
        words("procedure.choice", number=number, name=about.procedure.name) for number, about in enumerate(offered, 1)
    ]
    buttons: list[Button] = [_choice(about.procedure, field) for about in offered]
    if guessed:  # it may well be none of them
        lines.append(words("procedure.guessed_else"))
        buttons.append(national_portal_button())
    return turn.answer(
        "\n".join((words("procedure.guessed" if guessed else "procedure.which_of"), *lines)),
        buttons=(*buttons, tap("browse", payloads.EVENTS)),
        step="idle",
        choices=tuple(about.procedure.code for about in offered),
        procedure="",
        field=field if field in FIELDS else "",
        topic_at=turn.context.seconds,
        misses=0,
    )


def _choice(procedure: Procedure, field: str) -> Button:
    payload = payloads.spelled(payloads.PROCEDURE, procedure.code, field if field in FIELDS else "")
    return tap("procedure", payload, name=procedure.name[: LONGEST_TITLE - 10])


def _both(turn: Turn, first: About, second: About) -> Outcome:
    """Two procedures in one message: the field of each, or the card of each in short."""
    field = turn.reading.field if turn.reading.field in FIELDS else ""
    parts = [
        f"{words('procedure.head', name=about.procedure.name)}\n{tell(about, field)}" if field else card(about)
        for about in (first, second)
    ]
    return turn.answer(
        *parts,
        buttons=(_choice(first.procedure, ""), _choice(second.procedure, ""), tap("contact", payloads.CONTACT)),
        step="idle",
        choices=(first.procedure.code, second.procedure.code),
        procedure=first.procedure.code,
        field=field,
        topic_at=turn.context.seconds,
        misses=0,
    )


def _which(turn: Turn) -> Outcome:
    """A question about some procedure that was not named: the field is kept for the name that comes next."""
    inherits = turn.topic and turn.reading.field and not turn.reading.procedures and len(turn.typed.split()) <= _SHORT
    if inherits and not names_something_else(turn.typed):
        about = about_of(turn, turn.topic)
        if about is not None:
            return show(turn, about, turn.reading.field)
    field = turn.reading.field if turn.reading.field in FIELDS else ""
    if turn.state.choices and field and topic_is_fresh(turn.state, turn.context) and not other_words(turn.typed):
        choices = [about for code in turn.state.choices if (about := about_of(turn, code)) is not None]
        if choices:
            return _which_of(turn, choices, again=True)
    return turn.answer(
        words("procedure.which"),
        buttons=(*front.browse_buttons(), tap("contact", payloads.CONTACT)),
        step="idle",
        procedure="",
        field=field,
        topic_at=turn.context.seconds,
        choices=(),
        misses=0,
    )


def _gone(turn: Turn) -> Outcome:
    """A late tap on a procedure that the province has no longer."""
    return turn.answer(words("procedure.gone"), contact_line(turn.context.tenant), buttons=front.browse_buttons())


TABLE: Table = {(None, Heard.PROCEDURE): _asked}
