"""Photos: a receipt's code in them is looked up like a typed one; a person's card is not kept, and they are told so.

What stands in the picture was read before this (`inbox.pictures`); the picture itself is gone by then.
"""

from govchat.conversation import events, payloads
from govchat.conversation.asks import LookUp
from govchat.conversation.flows.front import contact_line, example, national_portal_button, tap, within
from govchat.conversation.flows.lookup import explain_asides, sort_codes
from govchat.conversation.say import Button, Outcome
from govchat.conversation.turn import Turn
from govchat.conversation.wording import words
from govchat.dossiers.codes import find_codes

_ALBUM_S = 20  # an album arrives as one event per photo


def picture(turn: Turn) -> Outcome:
    """A photo that was not sent for a petition: read for a code, and not kept."""
    seen = turn.event if isinstance(turn.event, events.Picture) else events.Picture()
    now, kind = turn.context.seconds, f"picture.{seen.kind}"[:16]
    if seen.kind == "dossier":
        return _dossier(turn, seen)
    if turn.state.media == kind and abs(now - turn.state.media_at) < _ALBUM_S:
        return turn.silence(media_at=now)
    shown = example(turn.context)
    buttons: tuple[Button, ...] = (
        tap("lookup", payloads.LOOKUP),
        tap("scan", payloads.SCAN),
        tap("contact", payloads.CONTACT),
    )
    match seen.kind:
        case "person":
            said = [words("media.person")]
        case "other_province":
            said = [words("media.receipt_elsewhere", province=within(seen.province))]
            buttons = (national_portal_button(), *buttons)
        case "foreign":
            said = [words("media.foreign_code", example=shown)]
        case "nothing":
            report = tap("report", payloads.spelled(payloads.PETITION_KIND, "scene"))
            buttons = (*buttons[:2], report, *buttons[2:])
            said = [words("media.no_code", example=shown), words("media.picture_privacy")]
        case _:
            said = [words("media.picture", example=shown), words("media.picture_privacy")]
    return turn.answer(*said, buttons=buttons, media=kind, media_at=now)


def _dossier(turn: Turn, seen: events.Picture) -> Outcome:
    """Sorted as if typed: another province's code is not looked up here."""
    own, asides = sort_codes(find_codes(" ; ".join(seen.codes), turn.context.today), turn.context)
    if not own:
        lines = explain_asides(asides, turn.context) or [words("media.foreign_code", example=example(turn.context))]
        buttons = (national_portal_button(), tap("lookup", payloads.LOOKUP), tap("contact", payloads.CONTACT))
        return turn.answer(*lines, contact_line(turn.context.tenant), buttons=buttons, misses=0)
    return turn.ask(
        LookUp(own),
        step="idle",
        codes=own,
        looked_at=turn.context.seconds,
        awaiting_until=0,
        proving="nothing",
        asides=asides,
        misses=0,
    )
