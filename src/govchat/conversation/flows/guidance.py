"""What a clerk explains without looking anything up: filing, supplements, payment, results, withdrawal, and who hears which grievance.

A chat message is no complaint and no denunciation in law (domain of Decrees 155 and 156 of 2026): the way to the right office is told, and
nothing of the matter is kept here.
"""

from govchat.conversation import payloads
from govchat.conversation.flows.front import contact_line, national_portal_button, portal_button, tap
from govchat.conversation.flows.lookup import foreign_line
from govchat.conversation.flows.procedures import about_of, portal_link, show
from govchat.conversation.say import Button, Link, Outcome
from govchat.conversation.turn import Heard, Table, Turn
from govchat.conversation.wording import words

VNEID = "https://vneid.gov.vn"


def _contact() -> Button:
    return tap("contact", payloads.CONTACT)


def _file_online(turn: Turn) -> Outcome:
    """Filing belongs to the National Portal and VNeID (Decree 224/2026 Art. 15): the way there, for the procedure at hand."""
    named = turn.reading.procedures[:1]
    code = named[0].code if named and not turn.reading.ask_back else "" if named else turn.topic
    about = about_of(turn, code) if code else None
    if about is not None and about.ours:
        if named or turn.reading.field in ("online", ""):
            text = words("guide.file_this", name=about.procedure.name)
            outcome = show(turn, about, "online")
            buttons = (
                portal_link(about.procedure),
                Link(words("button.vneid"), VNEID),
                *_topic_buttons(code),
                _contact(),
            )
            return turn.answer(
                text,
                outcome.say[0].text.partition("\n\n")[2],
                buttons=buttons,
                procedure=code,
                field="online",
                topic_at=turn.context.seconds,
                step="idle",
                misses=0,
            )
        return show(turn, about, turn.reading.field)
    buttons = (national_portal_button(), Link(words("button.vneid"), VNEID), tap("browse", payloads.EVENTS), _contact())
    return turn.answer(words("guide.file_online"), buttons=buttons, step="idle", misses=0)


def _topic_buttons(code: str) -> tuple[Button, ...]:
    return (tap("field_documents", payloads.spelled(payloads.PROCEDURE, code, "documents")),)


def _latest(turn: Turn) -> tuple[Button, ...]:
    """The dossier that the guidance is likely about, to be looked up with one tap."""
    codes = turn.codes.codes[0].key if turn.codes.codes else (turn.state.codes[0] if turn.state.codes else "")
    return (tap("one_code", payloads.spelled(payloads.CODE, codes), code=codes),) if codes else (_look(),)


def _look() -> Button:
    return tap("lookup", payloads.LOOKUP)


def _supplement(turn: Turn) -> Outcome:
    return turn.answer(
        words("guide.supplement"), buttons=(*_latest(turn), national_portal_button(), _contact()), misses=0
    )


def _payment(turn: Turn) -> Outcome:
    return turn.answer(words("guide.payment"), buttons=(*_latest(turn), national_portal_button(), _contact()), misses=0)


def _result(turn: Turn) -> Outcome:
    return turn.answer(words("guide.result"), buttons=(*_latest(turn), national_portal_button(), _contact()), misses=0)


def _withdraw(turn: Turn) -> Outcome:
    if aside := foreign_line(turn):
        return turn.answer(aside, buttons=(national_portal_button(), _contact()), misses=0)
    buttons = (*_latest(turn), national_portal_button(), _contact())
    return turn.answer(words("guide.withdraw"), contact_line(turn.context.tenant), buttons=buttons, misses=0)


def _scan_help(turn: Turn) -> Outcome:
    return turn.answer(
        words("guide.scan"), buttons=(_look(), tap("lost_code", payloads.LOST_CODE), _contact()), misses=0
    )


def _complaint(turn: Turn) -> Outcome:
    return _grievance(turn, "complaint", "2.002409")


def _complaint_status(turn: Turn) -> Outcome:
    return turn.answer(
        words("guide.complaint_status"), contact_line(turn.context.tenant), buttons=(_look(), _contact()), misses=0
    )


def _denunciation(turn: Turn) -> Outcome:
    return _grievance(turn, "denunciation", "2.002394")


def _dispute(turn: Turn) -> Outcome:
    return _grievance(turn, "dispute", "1.012812")


def _grievance(turn: Turn, key: str, code: str = "") -> Outcome:
    """Guidance with the procedure that belongs to it; the matter itself is not kept."""
    about = about_of(turn, code) if code else None
    procedure = (
        (tap("procedure", payloads.spelled(payloads.PROCEDURE, code), name=about.procedure.name[:90]),) if about else ()
    )
    return turn.answer(
        words(f"guide.{key}"),
        contact_line(turn.context.tenant),
        buttons=(*procedure, *portal_button(turn.context.tenant), _contact()),
        step="idle",
        misses=0,
    )


def _staff(turn: Turn) -> Outcome:
    return turn.answer(words("guide.staff"), buttons=(tap("menu", payloads.MENU), _contact()), misses=0)


TABLE: Table = {
    (None, Heard.FILE_ONLINE): _file_online,
    (None, Heard.SUPPLEMENT): _supplement,
    (None, Heard.PAYMENT): _payment,
    (None, Heard.RESULT): _result,
    (None, Heard.WITHDRAW): _withdraw,
    (None, Heard.SCAN_HELP): _scan_help,
    (None, Heard.COMPLAINT): _complaint,
    (None, Heard.COMPLAINT_STATUS): _complaint_status,
    (None, Heard.DENUNCIATION): _denunciation,
    (None, Heard.DISPUTE): _dispute,
    (None, Heard.STAFF): _staff,
}
