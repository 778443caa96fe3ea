"""Looking dossiers up: ask for a code, sort the codes of a message, prove with a secret or a phone, tell the answers.

A code of another province is answered by its letters alone, so that nobody learns whether it exists; "not found" and "wrong
secret" arrive here as one answer and leave as one.
"""

from govchat.conversation import payloads
from govchat.conversation.context import Context
from govchat.conversation.events import Shown, Unknown
from govchat.conversation.flows import dossier, front
from govchat.conversation.flows.front import contact_line, example, menu_buttons, national_portal_button, tap, within
from govchat.conversation.say import Button, Form, LookUp, Outcome
from govchat.conversation.state import MOST_ASIDE, MOST_CODES, Aside, Why
from govchat.conversation.turn import Heard, Table, Turn
from govchat.conversation.wording import words
from govchat.dossiers.codes import CodesFound

AWAITING_SECRET_S = 900  # long enough to fetch the receipt, short enough that a stray word is no secret


def _look_up(turn: Turn) -> Outcome:
    found = turn.codes
    if not found.anything:
        return turn.answer(
            words("ask.code", example=example(turn.context)), step="lookup.awaiting_code", misses=0, asides=()
        )
    own, asides = sort_codes(found, turn.context)
    if own:
        secret = turn.secret if len(own) == 1 and len(found.codes) == 1 else None
        proving = "secret" if secret else "nothing"
        look_up = LookUp(own, secret)
        return turn.ask(look_up, step="idle", codes=own, awaiting_until=0, proving=proving, asides=asides, misses=0)
    if asides:
        lines = explain_asides(asides, turn.context)
        return turn.answer(
            *lines, contact_line(turn.context.tenant), buttons=_aside_buttons(asides), step="idle", misses=0
        )
    return _shape_help(turn)


def _shape_help(turn: Turn) -> Outcome:
    found, shown = turn.codes, example(turn.context)
    misses = min(turn.state.misses + 1, 9)
    tail = found.tails[0] if found.tails else ""
    text = words("ask.whole_code", tail=tail, example=shown) if tail else words("ask.code_shape", example=shown)
    more = contact_line(turn.context.tenant) if misses > 1 else ""
    buttons = (tap("help", payloads.HELP), tap("contact", payloads.CONTACT))
    return turn.answer(text, more, buttons=buttons, step="lookup.awaiting_code", misses=misses)


def sort_codes(found: CodesFound, context: Context) -> tuple[tuple[str, ...], tuple[Aside, ...]]:
    """The keys to look up here, at most three, and the codes that are only explained, with the reason."""
    own: list[str] = []
    asides: list[Aside] = []
    for code in found.codes:
        why = _foreign(code.letter_code, context)
        if why is None and len(own) >= MOST_CODES:
            why = "over"
        if why is None:
            own.append(code.key)
        else:
            asides.append(Aside(code.key, code.letter_code, why))
    asides.extend(
        Aside(wrong.key, wrong.letter_code, _foreign(wrong.letter_code, context) or wrong.why)
        for wrong in found.misdated
    )
    return tuple(own), tuple(asides[:MOST_ASIDE])


def _foreign(letter_code: str, context: Context) -> Why | None:
    if letter_code in context.tenant.h_codes:
        return None
    if letter_code in context.tenant.other_h_codes:
        return "other_province"
    return "ministry" if letter_code.startswith("G") else "unknown_unit"


def explain_asides(asides: tuple[Aside, ...], context: Context) -> list[str]:
    """One sentence for each code that was set aside; those over the limit share one."""
    lines = [_explain(aside, context) for aside in asides if aside.why != "over"]
    if over := [aside.code for aside in asides if aside.why == "over"]:
        lines.append(words("aside.over", code=", ".join(over)))
    return lines


def _explain(aside: Aside, context: Context) -> str:
    if aside.why != "other_province":
        return words(f"aside.{aside.why}", code=aside.code)
    name = context.tenant.other_h_codes.get(aside.letter_code)
    if name is None:  # the list of provinces changed between the question and the answer
        return words("aside.unknown_unit", code=aside.code)
    return words("aside.other_province", code=aside.code, province=within(name))


def _aside_buttons(asides: tuple[Aside, ...]) -> tuple[Button, ...]:
    elsewhere = any(aside.why in ("other_province", "ministry") for aside in asides)
    return (*((national_portal_button(),) if elsewhere else ()), *menu_buttons())


def _lost_code(turn: Turn) -> Outcome:
    buttons = (tap("lookup", payloads.LOOKUP), tap("contact", payloads.CONTACT))
    return turn.answer(words("ask.lost_code"), contact_line(turn.context.tenant), buttons=buttons, misses=0)


def _lost_secret(turn: Turn) -> Outcome:
    buttons = (tap("phone", payloads.PHONE), tap("contact", payloads.CONTACT))
    return turn.answer(words("ask.lost_secret"), contact_line(turn.context.tenant), buttons=buttons, misses=0)


def _personal_number(turn: Turn) -> Outcome:
    proof = (tap("phone", payloads.PHONE),) if turn.state.codes else ()
    return turn.answer(words("ask.personal_number"), buttons=(*proof, *menu_buttons()), misses=0)


def _secret(turn: Turn) -> Outcome:
    """A secret without its code: it belongs to the dossier looked up last."""
    if not (turn.state.codes and turn.secret):
        return _code_first(turn)
    look_up = LookUp(turn.state.codes[:1], turn.secret)
    return turn.ask(look_up, step="idle", codes=look_up.codes, proving="secret", asides=(), misses=0)


def _code_first(turn: Turn) -> Outcome:
    text = words("ask.code_first", example=example(turn.context))
    buttons = (tap("help", payloads.HELP), tap("contact", payloads.CONTACT))
    return turn.answer(text, buttons=buttons, step="lookup.awaiting_code", misses=0)


def _wants_secret(turn: Turn) -> Outcome:
    if not turn.state.codes:
        return _code_first(turn)
    until = turn.context.seconds + AWAITING_SECRET_S
    text = words("ask.secret", code=turn.state.codes[0])
    buttons = (tap("phone", payloads.PHONE), tap("contact", payloads.CONTACT))
    return turn.answer(text, buttons=buttons, step="lookup.awaiting_secret", awaiting_until=until, misses=0)


def _wants_phone(turn: Turn) -> Outcome:
    if not turn.state.codes:
        return turn.answer(words("ask.code", example=example(turn.context)), step="lookup.awaiting_code", misses=0)
    form = Form(words("phone.form_title"), words("phone.form_subtitle"))
    return turn.answer(words("phone.ask", code=turn.state.codes[0]), form=form, step="idle", misses=0)


def _shared_contact(turn: Turn) -> Outcome:
    if not turn.phone_known:
        buttons = (tap("phone", payloads.PHONE), tap("secret", payloads.SECRET), tap("contact", payloads.CONTACT))
        return turn.answer(words("phone.missing"), buttons=buttons)
    if not turn.state.codes:
        return turn.answer(words("phone.thanks", example=example(turn.context)), step="lookup.awaiting_code", misses=0)
    return turn.ask(LookUp(turn.state.codes), step="idle", proving="phone", asides=(), misses=0)


def _looked_up(turn: Turn) -> Outcome:
    """Tell the answers, then what was set aside, then how to see more; await the secret of a single dossier."""
    state, context = turn.state, turn.context
    if not turn.answers:
        return turn.answer(
            words("dossier.no_answer"),
            contact_line(context.tenant),
            buttons=menu_buttons(),
            proving="nothing",
            asides=(),
        )
    answers = turn.answers[:MOST_CODES]
    bare = tuple(answer.code for answer in answers if isinstance(answer, Shown) and answer.proven is None)
    unknown = any(isinstance(answer, Unknown) for answer in answers)
    parts = [dossier.read_aloud(answer, context) for answer in answers]
    parts += explain_asides(state.asides, context)
    if bare:
        parts += [words("phone.no_match")] if state.proving == "phone" and len(answers) == 1 else []
        parts += [words("dossier.more" if len(bare) == 1 else "dossier.more_several")]
    if unknown:
        parts += [contact_line(context.tenant)]
    # After a wrong secret the next one may come alone, whether or not such a dossier exists.
    again = len(answers) == 1 and state.proving == "secret" and not isinstance(answers[0], Shown)
    codes = tuple(answer.code[:64] for answer in answers)
    return turn.answer(
        *parts,
        buttons=_answer_buttons(turn, bare),
        step="idle",
        codes=bare[:1] if len(bare) == 1 else codes,
        awaiting_until=context.seconds + AWAITING_SECRET_S if again or len(bare) == 1 else 0,
        proving="nothing",
        asides=(),
    )


def _answer_buttons(turn: Turn, bare: tuple[str, ...]) -> tuple[Button, ...]:
    answers = turn.answers[:MOST_CODES]
    links = dossier.result_links(answers)
    if len(bare) == 1:
        proof = (tap("secret", payloads.SECRET), tap("phone", payloads.PHONE))
        return (*links[:1], *proof, tap("another", payloads.LOOKUP), tap("contact", payloads.CONTACT))
    if bare:
        each = tuple(tap("one_code", payloads.CODE + code, code=code) for code in bare)
        return (*links[:1], *each, tap("contact", payloads.CONTACT))
    if links:
        return (*links[:3], tap("another", payloads.LOOKUP), tap("contact", payloads.CONTACT))
    if any(isinstance(answer, Shown) for answer in answers):
        return (tap("another", payloads.LOOKUP), tap("contact", payloads.CONTACT))
    return (tap("help", payloads.HELP), tap("contact", payloads.CONTACT))


def _code_not_understood(turn: Turn) -> Outcome:
    """We asked for a code and something else came: with digits in it, it was probably meant as one."""
    meant = any(map(str.isdigit, turn.typed)) and turn.state.misses < 2
    return _shape_help(turn) if meant else front.not_understood(turn)


def _secret_not_understood(turn: Turn) -> Outcome:
    if turn.state.misses or not turn.awaiting_secret or " " in turn.typed:
        return front.not_understood(turn)
    text = words("ask.secret_odd", code=turn.state.codes[0])
    return turn.answer(text, buttons=(tap("phone", payloads.PHONE), tap("contact", payloads.CONTACT)), misses=1)


TABLE: Table = {
    (None, Heard.LOOKUP): _look_up,
    (None, Heard.LOST_CODE): _lost_code,
    (None, Heard.LOST_SECRET): _lost_secret,
    (None, Heard.PERSONAL_NUMBER): _personal_number,
    (None, Heard.SECRET): _secret,
    (None, Heard.WANTS_SECRET): _wants_secret,
    (None, Heard.WANTS_PHONE): _wants_phone,
    (None, Heard.SHARED_CONTACT): _shared_contact,
    (None, Heard.LOOKED_UP): _looked_up,
    ("lookup.awaiting_code", Heard.UNKNOWN): _code_not_understood,
    ("lookup.awaiting_secret", Heard.UNKNOWN): _secret_not_understood,
}
