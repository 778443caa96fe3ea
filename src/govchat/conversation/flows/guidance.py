"""What a clerk explains without looking anything up: filing, supplements, payment, results, withdrawal, and who hears which grievance.

A chat message is no complaint and no denunciation in law (domain of Decrees 155 and 156 of 2026): the way to the right office is told, and
the very message is forgotten (`asks.Forget`).
"""

from govchat.conversation import events, payloads
from govchat.conversation.asks import Forget
from govchat.conversation.flows.front import contact_line, national_portal_button, portal_button, tap
from govchat.conversation.flows.lookup import at_hand, foreign_line
from govchat.conversation.flows.procedures import about_of, portal_link, show
from govchat.conversation.say import Button, Link, Outcome
from govchat.conversation.turn import Heard, Table, Turn
from govchat.conversation.wording import words
from govchat.petitions import routing
from govchat.tenants.schema import Agency

VNEID = "https://vneid.gov.vn"
_MOST_OFFICES = 3
# The national procedure that belongs to each kind of grievance.
_PROCEDURES = {"complaint": "2.002409", "denunciation": "2.002394", "land_dispute": "1.012812"}


def _contact() -> Button:
    return tap("contact", payloads.CONTACT)


def _file_online(turn: Turn) -> Outcome:
    """Filing belongs to the National Portal and VNeID (Decree 224/2026 Art. 15): the way there, for the procedure at hand."""
    named = turn.reading.procedures[:1]
    reading = turn.reading
    one_of_many = reading.ask_back and reading.ask_why != f"{reading.intent} or {reading.behind}"
    code = named[0].code if named and not one_of_many else "" if named else turn.topic
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
    """What the dossier at hand waits for, and how; in general where there is none."""
    return at_hand(turn, "papers") or turn.answer(
        words("guide.supplement"), buttons=(*_latest(turn), national_portal_button(), _contact()), misses=0
    )


def _payment(turn: Turn) -> Outcome:
    return at_hand(turn, "money") or turn.answer(
        words("guide.payment"), buttons=(*_latest(turn), national_portal_button(), _contact()), misses=0
    )


def _result(turn: Turn) -> Outcome:
    return at_hand(turn, "result") or turn.answer(
        words("guide.result"), buttons=(*_latest(turn), national_portal_button(), _contact()), misses=0
    )


def _withdraw(turn: Turn) -> Outcome:
    if aside := foreign_line(turn):
        return turn.answer(aside, buttons=(national_portal_button(), _contact()), misses=0)
    buttons = (*_latest(turn), national_portal_button(), _contact())
    return turn.answer(words("guide.withdraw"), contact_line(turn.context.tenant), buttons=buttons, misses=0)


def _scan_help(turn: Turn) -> Outcome:
    return turn.answer(
        words("guide.scan"), buttons=(_look(), tap("lost_code", payloads.LOST_CODE), _contact()), misses=0
    )


def _grievance(turn: Turn) -> Outcome:
    """A complaint or a denunciation: first of all nothing is kept of what was written."""
    return turn.ask(Forget(str(turn.heard)), step="idle", misses=0)


def _forgotten(turn: Turn) -> Outcome:
    kind = turn.event.kind if isinstance(turn.event, events.Forgotten) else ""
    return _route(turn, kind if kind in _PROCEDURES else "complaint")


def _complaint_status(turn: Turn) -> Outcome:
    return turn.answer(
        words("guide.complaint_status"), contact_line(turn.context.tenant), buttons=(_look(), _contact()), misses=0
    )


def _dispute(turn: Turn) -> Outcome:
    return _route(turn, "land_dispute")


def _route(turn: Turn, kind: str) -> Outcome:
    """Where the law sends the matter, within which limits, and which office that is here, with the procedure that belongs to it."""
    tenant = turn.context.tenant
    routed = routing.routing_for(kind, turn.context.today, tenant.manifest)
    offices = [_office(one) for one in routed.offices[:_MOST_OFFICES]]
    code = _PROCEDURES[kind]
    about = about_of(turn, code)
    procedure = (
        (tap("procedure", payloads.spelled(payloads.PROCEDURE, code), name=about.procedure.name[:90]),) if about else ()
    )
    return turn.answer(
        routing.told(routed),
        "\n".join([words("guide.offices"), *offices]) if offices else contact_line(tenant),
        buttons=(*procedure, *portal_button(tenant), _contact()),
        step="idle",
        misses=0,
    )


def _office(agency: Agency) -> str:
    """An office as it can be found: what its manifest does not tell is left out."""
    return "- " + ", ".join(filter(None, (agency.name, agency.address, agency.phone)))


def _staff(turn: Turn) -> Outcome:
    return turn.answer(words("guide.staff"), buttons=(tap("menu", payloads.MENU), _contact()), misses=0)


TABLE: Table = {
    (None, Heard.FILE_ONLINE): _file_online,
    (None, Heard.SUPPLEMENT): _supplement,
    (None, Heard.PAYMENT): _payment,
    (None, Heard.RESULT): _result,
    (None, Heard.WITHDRAW): _withdraw,
    (None, Heard.SCAN_HELP): _scan_help,
    (None, Heard.COMPLAINT): _grievance,
    (None, Heard.COMPLAINT_STATUS): _complaint_status,
    (None, Heard.DENUNCIATION): _grievance,
    (None, Heard.FORGOTTEN): _forgotten,
    (None, Heard.DISPUTE): _dispute,
    (None, Heard.STAFF): _staff,
}
