"""Being told of a dossier's changes and not any more; one's own dossiers; no more broadcasts.

Following needs a proved dossier and is consent: what is agreed to is said with the answer, and one message ends it.
"""

from govchat.citizens.consent import text_of
from govchat.conversation import events, payloads
from govchat.conversation.asks import MyDossiers, OptOut, Subscribe, Unsubscribe
from govchat.conversation.flows.dossier import local_time
from govchat.conversation.flows.front import contact_line, example, menu_buttons, tap
from govchat.conversation.flows.lookup import AWAITING_SECRET_S, foreign_line, proof_buttons
from govchat.conversation.say import Button, Outcome
from govchat.conversation.turn import Heard, Table, Turn
from govchat.conversation.wording import words
from govchat.dossiers.status import STATUSES, label_of

_MOST_NAMED = 3


def _subscribe(turn: Turn) -> Outcome:
    if turn.codes.anything and not turn.codes.codes:
        return turn.answer(words("ask.code_shape", example=example(turn.context)), buttons=menu_buttons())
    if aside := foreign_line(turn):
        return turn.answer(aside, buttons=menu_buttons(), misses=0)
    key = turn.codes.codes[0].key if turn.codes.codes else None
    return turn.ask(Subscribe(key), codes=(key,) if key else turn.state.codes, step="idle", misses=0)


def _subscribed(turn: Turn) -> Outcome:
    event = turn.event
    code = event.code if isinstance(event, events.Subscribed) else None
    if code is None:
        return _proof_first(turn)
    survey = isinstance(event, events.Subscribed) and event.ask_survey
    buttons: tuple[Button, ...] = (
        *((tap("agree_survey", payloads.spelled(payloads.AGREE, "survey")),) if survey else ()),
        tap("unsubscribe", payloads.spelled(payloads.UNSUBSCRIBE, code)),
        tap("mine", payloads.MINE),
        tap("another", payloads.LOOKUP),
    )
    asked = f"{words('follow.survey')} {text_of('survey').text}" if survey else ""
    return turn.answer(
        words("follow.done", code=code), text_of("status").text, asked, buttons=buttons, codes=(code,), misses=0
    )


def _proof_first(turn: Turn) -> Outcome:
    if not turn.state.codes:
        text = words("follow.code_first", example=example(turn.context))
        buttons = (tap("help", payloads.HELP), tap("contact", payloads.CONTACT))
        return turn.answer(text, buttons=buttons, step="lookup.awaiting_code", misses=0)
    code = turn.state.codes[0]
    until = turn.context.seconds + AWAITING_SECRET_S
    proof = (*proof_buttons(code), tap("contact", payloads.CONTACT))
    return turn.answer(words("follow.proof_first", code=code), buttons=proof, awaiting_until=until, misses=0)


def _unsubscribe(turn: Turn) -> Outcome:
    key = turn.codes.codes[0].key if turn.codes.codes else None
    return turn.ask(Unsubscribe(key), step="idle", misses=0)


def _unsubscribed(turn: Turn) -> Outcome:
    event = turn.event
    ended, left = (event.ended, event.left) if isinstance(event, events.Unsubscribed) else (0, 0)
    text = words("follow.ended", count=ended) if ended else words("follow.none_ended" if left else "follow.none_at_all")
    more = words("follow.left", count=left) if left else ""
    buttons: tuple[Button, ...] = (tap("mine", payloads.MINE), tap("another", payloads.LOOKUP))
    if left:
        buttons = (tap("unsubscribe_all", payloads.UNSUBSCRIBE), *buttons)
    return turn.answer(text, more, buttons=buttons, misses=0)


def _opt_out(turn: Turn) -> Outcome:
    return turn.ask(OptOut(), step="idle", misses=0)


def _opted_out(turn: Turn) -> Outcome:
    following = turn.event.following if isinstance(turn.event, events.OptedOut) else 0
    if not following:
        return turn.answer(words("follow.opted_out"), buttons=(tap("menu", payloads.MENU),), misses=0)
    buttons = (tap("unsubscribe_all", payloads.UNSUBSCRIBE), tap("mine", payloads.MINE), tap("menu", payloads.MENU))
    return turn.answer(
        words("follow.opted_out"), words("follow.still_followed", count=following), buttons=buttons, misses=0
    )


def _my_dossiers(turn: Turn) -> Outcome:
    return turn.ask(MyDossiers(), step="idle", misses=0)


def _mine(turn: Turn) -> Outcome:
    items = turn.event.items if isinstance(turn.event, events.MyDossiers) else ()
    if not items:
        buttons = (tap("lookup", payloads.LOOKUP), tap("link", payloads.LINK), tap("contact", payloads.CONTACT))
        text = words("follow.none_mine", example=example(turn.context))
        return turn.answer(text, contact_line(turn.context.tenant), buttons=buttons, misses=0)
    lines = [words("follow.mine", count=len(items)), *(_line(each) for each in items)]
    each = [
        tap("one_code", payloads.spelled(payloads.CODE, one.code), code=one.code[:60]) for one in items[:_MOST_NAMED]
    ]
    followed = any(one.followed for one in items)
    ends = (tap("unsubscribe_all", payloads.UNSUBSCRIBE),) if followed else ()
    return turn.answer("\n".join(lines), buttons=(*each, *ends, tap("another", payloads.LOOKUP)), misses=0)


def _line(one: events.Mine) -> str:
    status = STATUSES.get(one.status)
    label = label_of(status) if status else words("dossier.status_unknown")
    text = words("follow.mine_line", code=one.code, label=label)
    if one.due_at and status and status.running:
        text = f"{text} {words('follow.mine_due', at=local_time(one.due_at))}"
    return f"{text} {words('follow.mine_followed')}" if one.followed else text


TABLE: Table = {
    (None, Heard.SUBSCRIBE): _subscribe,
    (None, Heard.SUBSCRIBED): _subscribed,
    (None, Heard.UNSUBSCRIBE): _unsubscribe,
    (None, Heard.UNSUBSCRIBED): _unsubscribed,
    (None, Heard.OPT_OUT): _opt_out,
    (None, Heard.OPTED_OUT): _opted_out,
    (None, Heard.MY_DOSSIERS): _my_dossiers,
    (None, Heard.MINE): _mine,
}
