"""Looking dossiers up: ask for a code, sort the codes of a message, prove with a secret or a phone, tell the answers.

A code of another province is answered by its letters alone, so that nobody learns whether it exists; "not found" and "wrong
secret" arrive here as one answer and leave as one.
"""

from collections.abc import Mapping
from types import MappingProxyType

from govchat.conversation import payloads
from govchat.conversation.asks import LookUp
from govchat.conversation.context import Context
from govchat.conversation.events import Shown, Unknown
from govchat.conversation.flows import dossier, dossier_question, front
from govchat.conversation.flows.front import contact_line, example, menu_buttons, national_portal_button, tap, within
from govchat.conversation.rulebook import looks_for_a_name, wonders_about
from govchat.conversation.say import MOST_BUTTONS, Button, Form, Outcome
from govchat.conversation.state import DOSSIER_S, MOST_ASIDE, MOST_CODES, TOPIC_S, Aside, Proving, Why, Wondering
from govchat.conversation.turn import Heard, Table, Turn
from govchat.conversation.wording import words
from govchat.dossiers.codes import CodesFound

_WONDERINGS: Mapping[str, Wondering] = MappingProxyType({"when": "when", "who": "who", "why": "why"})
AWAITING_SECRET_S = 900  # long enough to fetch the receipt, short enough that a stray word is no secret


def _look_up(turn: Turn) -> Outcome:
    found = turn.codes
    if not found.anything:
        return turn.answer(
            words("ask.code", example=example(turn.context)),
            buttons=(tap("mine", payloads.MINE), tap("scan", payloads.SCAN), tap("lost_code", payloads.LOST_CODE)),
            step="lookup.awaiting_code",
            misses=0,
            asides=(),
        )
    own, asides = sort_codes(found, turn.context)
    if own:
        secret = turn.secret if len(own) == 1 and len(found.codes) == 1 else None
        return _ask(turn, LookUp(own, secret), "secret" if secret else "nothing", asides)
    if asides:
        lines = explain_asides(asides, turn.context)
        return turn.answer(
            *lines, contact_line(turn.context.tenant), buttons=_aside_buttons(asides), step="idle", misses=0
        )
    return _shape_help(turn)


def _ask(
    turn: Turn, look_up: LookUp, proving: Proving, asides: tuple[Aside, ...] = (), wondering: Wondering = ""
) -> Outcome:
    return turn.ask(
        look_up,
        step="idle",
        codes=look_up.codes,
        awaiting_until=0,
        proving=proving,
        wondering=wondering,
        asides=asides,
        misses=0,
        looked_at=turn.context.seconds,
    )


def _progress(turn: Turn) -> Outcome:
    """ "Tới đâu rồi", without a code: about the dossier looked up last, when there is one.

    Asked a while later it is told whole; right behind an answer only what is wondered about.
    """
    state, since = turn.state, turn.context.seconds - turn.state.looked_at
    if looks_for_a_name(turn.typed):
        return turn.answer(
            words("dossier.by_code_alone", example=example(turn.context)),
            buttons=(
                tap("mine", payloads.MINE),
                tap("lost_code", payloads.LOST_CODE),
                tap("contact", payloads.CONTACT),
            ),
            step="lookup.awaiting_code",
            misses=0,
        )
    if state.codes and since < DOSSIER_S:
        wondering = _WONDERINGS.get(wonders_about(turn.typed), "")
        asked = at_hand(turn, wondering) if wondering else None
        return asked or _ask(turn, LookUp(state.codes), "nothing")
    return _look_up(turn)


def at_hand(turn: Turn, wondering: Wondering) -> Outcome | None:
    """One question about the one dossier that was told a while ago at most; None when there is none, or another is named, or
    for a button, which stands below the dossier."""
    state = turn.state
    named = {code.key for code in turn.codes.codes} - set(state.codes)
    if turn.payload or len(state.codes) != 1 or named or not 0 <= turn.context.seconds - state.looked_at < TOPIC_S:
        return None
    return _ask(turn, LookUp(state.codes), "nothing", wondering=wondering)


def foreign_line(turn: Turn) -> str:
    """What there is to say of codes that are all others'; empty when one is this province's, or there is none."""
    own, asides = sort_codes(turn.codes, turn.context)
    return "\n\n".join(explain_asides(asides, turn.context)) if asides and not own else ""


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
    code = turn.state.codes[0] if turn.state.codes else ""
    proof = (proof_buttons(code)[1],) if code else ()
    buttons = (*proof, tap("contact", payloads.CONTACT))
    return turn.answer(words("ask.lost_secret"), contact_line(turn.context.tenant), buttons=buttons, misses=0)


def _personal_number(turn: Turn) -> Outcome:
    proof = (proof_buttons(turn.state.codes[0])[1],) if turn.state.codes else (tap("link", payloads.LINK),)
    return turn.answer(words("ask.personal_number"), buttons=(*proof, *menu_buttons()), misses=0)


def _secret(turn: Turn) -> Outcome:
    """A secret without its code: it belongs to the dossier looked up last."""
    if not (turn.state.codes and turn.secret):
        return _code_first(turn)
    return _ask(turn, LookUp(turn.state.codes[:1], turn.secret), "secret")


def _code_first(turn: Turn) -> Outcome:
    text = words("ask.code_first", example=example(turn.context))
    buttons = (tap("help", payloads.HELP), tap("contact", payloads.CONTACT))
    return turn.answer(text, buttons=buttons, step="lookup.awaiting_code", misses=0)


def _of_the_button(turn: Turn) -> tuple[str, ...]:
    """The dossier that a button names, else the one looked up last: an old button still means its own."""
    own, _ = sort_codes(turn.codes, turn.context)
    return own[:1] or turn.state.codes[:1]


def proof_buttons(code: str) -> tuple[Button, ...]:
    """The two ways to prove a dossier."""
    return (
        tap("secret", payloads.spelled(payloads.SECRET, code)),
        tap("phone", payloads.spelled(payloads.PHONE, code)),
    )


def _wants_secret(turn: Turn) -> Outcome:
    codes = _of_the_button(turn)
    if not codes:
        return _code_first(turn)
    until = turn.context.seconds + AWAITING_SECRET_S
    return turn.answer(
        words("ask.secret", code=codes[0]),
        buttons=(proof_buttons(codes[0])[1], tap("contact", payloads.CONTACT)),
        step="lookup.awaiting_secret",
        codes=codes,
        awaiting_until=until,
        misses=0,
    )


def _wants_phone(turn: Turn) -> Outcome:
    codes = _of_the_button(turn)
    if not codes:
        return turn.answer(words("ask.code", example=example(turn.context)), step="lookup.awaiting_code", misses=0)
    return turn.answer(words("phone.ask", code=codes[0]), form=_form(), step="idle", codes=codes, misses=0)


def _link(turn: Turn) -> Outcome:
    """Telling us the phone once, so that dossiers with that number open without a secret."""
    return turn.answer(words("phone.link"), form=_form(), step="idle", misses=0)


def _form() -> Form:
    return Form(words("phone.form_title"), words("phone.form_subtitle"))


def _shared_contact(turn: Turn) -> Outcome:
    if not turn.phone_known:
        code = turn.state.codes[0] if turn.state.codes else ""
        proof = proof_buttons(code) if code else (tap("link", payloads.LINK),)
        return turn.answer(words("phone.missing"), buttons=(*proof, tap("contact", payloads.CONTACT)))
    if not turn.state.codes:
        return turn.answer(words("phone.thanks", example=example(turn.context)), step="lookup.awaiting_code", misses=0)
    return _ask(turn, LookUp(turn.state.codes), "phone")


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
    if state.wondering and len(answers) == 1 and isinstance(answers[0], Shown):
        said = dossier_question.answer(answers[0], state.wondering, context)
        if said:
            return _told_one(turn, answers[0], said)
    bare = tuple(answer.code for answer in answers if isinstance(answer, Shown) and answer.proven is None)
    unknown = any(isinstance(answer, Unknown) for answer in answers)
    parts = [dossier.read_aloud(answer, context) for answer in answers]
    parts += explain_asides(state.asides, context)
    if bare:
        parts += [words("phone.no_match")] if state.proving == "phone" and len(answers) == 1 else []
        parts += [words("dossier.more" if len(bare) == 1 else "dossier.more_several")]
    if unknown:
        parts += [contact_line(context.tenant)]
    if any(isinstance(answer, Shown) and answer.proven for answer in answers):
        parts += [words("follow.offer")]
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
        wondering="",
        asides=(),
    )


def _told_one(turn: Turn, shown: Shown, said: str) -> Outcome:
    """One question about a dossier answered; the whole of it is a button away."""
    code = shown.code[:64]
    whole = tap("one_code", payloads.spelled(payloads.CODE, code), code=code)
    more: tuple[Button, ...] = proof_buttons(code)
    guided = turn.state.wondering in dossier_question.GUIDES
    if shown.proven is not None:
        more = (
            tap("subscribe", payloads.spelled(payloads.SUBSCRIBE, code)),
            *(() if guided else dossier.guide_button(shown.status)),
        )
    return turn.answer(
        said,
        buttons=(whole, *more, tap("contact", payloads.CONTACT)),
        step="idle",
        codes=(code,),
        awaiting_until=turn.context.seconds + AWAITING_SECRET_S if shown.proven is None else 0,
        proving="nothing",
        wondering="",
        asides=(),
        misses=0,
    )


def _answer_buttons(turn: Turn, bare: tuple[str, ...]) -> tuple[Button, ...]:
    answers = turn.answers[:MOST_CODES]
    links = dossier.result_links(answers)
    last = (tap("another", payloads.LOOKUP), tap("contact", payloads.CONTACT))
    if len(bare) == 1:
        shown = next(answer for answer in answers if isinstance(answer, Shown) and answer.proven is None)
        guide = dossier.guide_button(shown.status) if len(answers) == 1 else ()
        return (*links[:1], *proof_buttons(bare[0]), *guide, *last)[-MOST_BUTTONS:]
    if bare:
        each = tuple(tap("one_code", payloads.spelled(payloads.CODE, code), code=code) for code in bare)
        return (*links[:1], *each, last[1])
    proven = [answer for answer in answers if isinstance(answer, Shown)]
    if proven:
        follow = (tap("subscribe", payloads.spelled(payloads.SUBSCRIBE, proven[0].code[:64])),)
        guide = dossier.guide_button(proven[0].status)
        return (*links[: 2 - len(guide)], *follow, *guide, *last)
    return (tap("help", payloads.HELP), last[1])


def _code_not_understood(turn: Turn) -> Outcome:
    """We asked for a code and something else came: with digits in it, it was probably meant as one."""
    meant = any(map(str.isdigit, turn.typed)) and turn.state.misses < 2
    return _shape_help(turn) if meant else front.not_understood(turn)


def _secret_not_understood(turn: Turn) -> Outcome:
    if turn.state.misses or not turn.awaiting_secret or " " in turn.typed:
        return front.not_understood(turn)
    text = words("ask.secret_odd", code=turn.state.codes[0])
    proof = proof_buttons(turn.state.codes[0])
    return turn.answer(text, buttons=(proof[1], tap("contact", payloads.CONTACT)), misses=1)


TABLE: Table = {
    (None, Heard.LOOKUP): _look_up,
    (None, Heard.PROGRESS): _progress,
    (None, Heard.LINK): _link,
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
