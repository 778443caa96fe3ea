"""Petitions (phản ánh, kiến nghị): words first, filed at once under a code, then whatever else there is, one short question at a time.

Words, names and places are never kept in the state: what comes before the words is held by its owner (`asks.HoldForPetition`), what
comes after is added to the petition. Every question may be left out.
"""

from typing import Any

import msgspec

from govchat.conversation import asks, events, payloads
from govchat.conversation.context import Context
from govchat.conversation.flows import pictures
from govchat.conversation.flows.front import menu_buttons, tap
from govchat.conversation.flows.petition_follow import awaits_kind, told_more
from govchat.conversation.flows.petition_questions import (
    done_buttons,
    kinds,
    leave_out,
    likely_kind,
    question,
    question_buttons,
    read_answer,
    summary,
)
from govchat.conversation.rulebook import bare, rulebook
from govchat.conversation.say import Button, Outcome
from govchat.conversation.state import MOST_SKIPPED, TOPIC_S, Also, State
from govchat.conversation.turn import Heard, Table, Turn
from govchat.conversation.wording import words
from govchat.dossiers.codes import find_codes
from govchat.kit.text import clean, fold
from govchat.petitions import within
from govchat.petitions.judge import LEAST_LETTERS, LONGEST
from govchat.petitions.models import KINDS

_FEWEST_WORDS = 4
_TOLD_AT_ONCE = 8  # words: whoever writes that many with "phản ánh" in them has said it
_ALBUM_S = 20
_PHOTO = "petition.photo"
_ACTS = {
    "rut": "withdraw",
    "huy": "withdraw",
    "bo sung": "amend",
    "xac nhan": "confirm",
    "da giai quyet": "confirm",
    "mo lai": "reopen",
    "chua giai quyet": "reopen",
}


def is_fresh(state: State, context: Context) -> bool:
    """Whether a photo or a place that comes now may belong to the petition that is being written, or was filed a while ago at most."""
    begun = state.step == "petition.awaiting_text" or bool(state.petition_code or state.held_words)
    return begun and abs(context.seconds - state.petition_at) <= TOPIC_S


def is_petition(text: str, state: State, context: Context) -> bool:
    """Whether a message that comes while a petition is being written is that petition: not a command, a code or a word or two."""
    return state.step == "petition.awaiting_text" and is_fresh(state, context) and _has_substance(text, context)


def _has_substance(text: str, context: Context) -> bool:
    said = clean(text)
    if text.startswith("#") or bare(said) in rulebook().commands or find_codes(said, context.today).anything:
        return False
    return len(said.split()) >= _FEWEST_WORDS and sum(map(str.isalpha, said)) >= LEAST_LETTERS


def resumed(state: State, context: Context) -> Also | None:
    """The way back to a petition that a question came between; None where there is none."""
    if not is_fresh(state, context):
        return None
    if state.step == "petition.awaiting_text":
        return Also(payloads.spelled(payloads.PETITION_KIND, state.petition or "scene"), quiet=True)
    if state.step == "petition.adding" and state.asked:
        return Also(payloads.spelled(payloads.PETITION_CODE, "more", state.petition_code), quiet=True)
    return None


def answers_question(text: str, state: State, context: Context) -> bool:
    """Whether a message is the answer to what was asked about the petition last."""
    if state.step != "petition.adding" or not is_fresh(state, context):
        return False
    if not state.asked:  # nothing is left to leave out: it stands as it was filed
        return bool(bare(text)) and bare(text) in (rulebook().skips | rulebook().ends)
    if text.startswith("#") or find_codes(text, context.today).anything:
        return False
    if {fold(clean(text)).strip(" .!"), bare(text)} & (rulebook().skips | rulebook().ends):
        return True
    if bare(text) in rulebook().commands:
        return False
    return read_answer(state.asked, text) is not None


def _petition(turn: Turn) -> Outcome:
    """Ask for the kind first, unless a sentence says it; what was told already need not be told again."""
    said = fold(turn.typed)
    if len(said.split()) >= _TOLD_AT_ONCE and _has_substance(turn.typed, turn.context):
        return turn.ask(
            asks.HoldForPetition(draft=turn.context.seconds, words=True),
            step="idle",
            petition=likely_kind(turn.typed),
            misses=0,
            **_begun(turn),
        )
    if "kien nghi" in said or "de nghi" in said or "de xuat" in said:
        return _ask_text(turn, "proposal")
    mine = tap("my_petitions", payloads.MY_PETITIONS)
    return turn.answer(words("petition.kinds"), buttons=(*kinds(), mine), step="idle", misses=0, held_words="")


def _begun(turn: Turn) -> dict[str, Any]:
    """The state of a petition that begins now: nothing is left of one before."""
    now = turn.context.seconds
    return {
        "petition_at": now, "draft": now, "held_photos": 0, "held_place": "", "held_words": "", "petition_code": "",
        "asked": "", "skipped": (),
    }  # fmt: skip


def _kind(turn: Turn) -> Outcome:
    kind = turn.argument if turn.argument in KINDS else "reflection"
    state = turn.state
    if state.held_words and abs(turn.context.seconds - state.petition_at) <= TOPIC_S:
        more = turn.typed[:LONGEST]
        draft = state.draft if state.held_photos else 0
        filed = asks.FilePetition(kind=kind, words_of=state.held_words, more=more, draft=draft, place=state.held_place)
        return _filed_from(turn, filed)
    return _ask_text(turn, kind)


def _filed_from(turn: Turn, ask: asks.FilePetition) -> Outcome:
    return turn.ask(
        ask,
        step="idle",
        petition="",
        draft=0,
        held_photos=0,
        held_place="",
        held_words="",
        media="",
        asked="",
        skipped=(),
        misses=0,
    )


def _ask_text(turn: Turn, kind: str) -> Outcome:
    return turn.answer(
        words(f"petition.text_{kind}"),
        buttons=(tap("cancel", payloads.CANCEL),),
        step="petition.awaiting_text",
        petition=kind,
        misses=0,
        **_begun(turn),
    )


def _file(turn: Turn) -> Outcome:
    """The message is the petition."""
    if not turn.typed:  # the button again
        return _petition(turn)
    if not is_petition(turn.typed, turn.state, turn.context):
        return _too_short(turn)
    return _filed_from(turn, _with_held(turn, turn.typed))


def _with_held(turn: Turn, text: str) -> asks.FilePetition:
    """The petition in these words, with what was sent before them."""
    state = turn.state
    kind = state.petition if state.petition in KINDS else "reflection"
    draft = state.draft if state.held_photos else 0
    return asks.FilePetition(kind=kind, text=text[:LONGEST], draft=draft, place=state.held_place)


def _too_short(turn: Turn) -> Outcome:
    if not is_fresh(turn.state, turn.context):
        return turn.answer(words("front.menu"), buttons=menu_buttons(), step="idle", misses=0)
    cancel = tap("cancel", payloads.CANCEL)
    return turn.answer(words("petition.more"), buttons=(cancel,), petition_at=turn.context.seconds)


def _picture(turn: Turn) -> Outcome:
    """A photo while a petition is written or completed belongs to it, unless it shows a receipt or somebody's card."""
    seen = turn.event if isinstance(turn.event, events.Picture) else events.Picture()
    if not is_fresh(turn.state, turn.context) or seen.kind in ("dossier", "other_province", "person"):
        return pictures.picture(turn)
    if seen.photo is None:
        if seen.refused == "full":
            return turn.answer(words("petition.photos_full"), buttons=_still(turn), petition_at=turn.context.seconds)
        refused = seen.refused if seen.refused in ("large", "type", "infected") else "away"
        return turn.answer(words(f"petition.photo_{refused}"), buttons=_still(turn), petition_at=turn.context.seconds)
    now = turn.context.seconds
    if turn.state.step != "petition.awaiting_text" and not awaits_kind(turn.state, turn.context):
        return turn.ask(asks.AddToPetition(code=turn.state.petition_code, photo=seen.photo), petition_at=now)
    caption = clean(seen.caption)
    if not turn.state.held_words and is_petition(caption, turn.state, turn.context):
        held = _with_held(turn, caption)
        filed = asks.FilePetition(kind=held.kind, text=held.text, draft=held.draft, place=held.place, photo=seen.photo)
        return _filed_from(turn, filed)
    return turn.ask(asks.HoldForPetition(draft=turn.state.draft, photo=seen.photo), petition_at=now)


def _place(turn: Turn) -> Outcome:
    """A place while a petition is written or completed is where it is about."""
    place = turn.event if isinstance(turn.event, events.Place) else events.Place()
    state, now = turn.state, turn.context.seconds
    if not is_fresh(state, turn.context) or place.latitude is None or place.longitude is None:
        return place_alone(turn)
    there = (place.latitude, place.longitude)
    if state.step != "petition.awaiting_text" and not awaits_kind(state, turn.context):
        return turn.ask(asks.AddToPetition(code=state.petition_code, place=there), petition_at=now)
    return turn.ask(asks.HoldForPetition(draft=state.draft, place=there), petition_at=now)


def place_alone(turn: Turn) -> Outcome:
    """A place that nothing was begun with: not kept, and what it is good for."""
    now = turn.context.seconds
    if turn.state.media == turn.heard and abs(now - turn.state.media_at) < _ALBUM_S:
        return turn.silence(media_at=now)
    report = tap("report", payloads.spelled(payloads.PETITION_KIND, "scene"))
    buttons = (report, tap("contact", payloads.CONTACT), tap("menu", payloads.MENU))
    return turn.answer(words("media.place"), buttons=buttons, media=str(turn.heard), media_at=now)


def _held(turn: Turn) -> Outcome:
    """Something was kept before the words: the words are asked for again, in a short line."""
    event = turn.event if isinstance(turn.event, events.Held) else events.Held()
    now, state = turn.context.seconds, turn.state
    if event.words_of:
        first = state.petition if state.petition in KINDS else "scene"
        return turn.answer(
            words("petition.kinds_told"),
            buttons=(*kinds(first), tap("cancel", payloads.CANCEL)),
            held_words=event.words_of[:40],
        )
    if event.full:
        return turn.answer(words("petition.photos_full"), buttons=_still(turn))
    if event.dropped:
        return turn.answer(words("petition.photo_dropped"), buttons=_still(turn), held_photos=min(event.photos, 9))
    if event.place:
        told = "petition.place_held_told" if turn.state.held_words else "petition.place_held"
        return turn.answer(words(told), buttons=_still(turn), held_place=event.place[:200])
    changes: dict[str, Any] = {"held_photos": min(event.photos, 9), "media": _PHOTO, "media_at": now}
    if _in_album(turn):
        return turn.silence(**changes)
    told = "petition.photo_held_told" if state.held_words else "petition.photo_held"
    return turn.answer(words(told), buttons=_still(turn), **changes)


def _in_album(turn: Turn) -> bool:
    return turn.state.media == _PHOTO and abs(turn.context.seconds - turn.state.media_at) < _ALBUM_S


def _still(turn: Turn) -> tuple[Button, ...]:
    if awaits_kind(turn.state, turn.context):
        return (*kinds(turn.state.petition), tap("cancel", payloads.CANCEL))
    if turn.state.step == "petition.awaiting_text":
        return (tap("cancel", payloads.CANCEL),)
    return leave_out(turn.state.petition_code)


def _more(turn: Turn) -> Outcome:
    """The answer to a question about the petition, in words."""
    state, now = turn.state, turn.context.seconds
    folded = fold(clean(turn.typed))
    if within.wants_no_name(turn.typed) and state.petition_code:
        return turn.ask(asks.AddToPetition(code=state.petition_code, anonymous=True), petition_at=now, misses=0)
    if folded.strip(" .!") in rulebook().ends and state.asked not in ("why", "note"):
        return _done(turn, state.petition_code)
    if folded in rulebook().skips or bare(turn.typed) in rulebook().skips:
        return _skip(turn, state.petition_code)
    add = read_answer(state.asked, turn.typed) or told_more(turn.typed)
    if add is None or not state.petition_code:
        return turn.answer(words("front.menu"), buttons=menu_buttons(), step="idle", misses=0)
    named = msgspec.structs.replace(add, code=state.petition_code)
    answered = state.asked if read_answer(state.asked, turn.typed) is not None else ""
    return turn.ask(named, step="petition.adding", petition_at=now, skipped=_without(state, answered), misses=0)


def _without(state: State, asked: str) -> tuple[str, ...]:
    """The questions that are not put again."""
    return tuple(dict.fromkeys((*state.skipped, asked)))[-MOST_SKIPPED:] if asked else state.skipped


def _skip(turn: Turn, code: str) -> Outcome:
    state = turn.state
    mine = code == state.petition_code
    skipped = _without(state, state.asked) if mine else ()
    return turn.ask(
        asks.AddToPetition(code=code), step="petition.adding", petition_code=code[:64], skipped=skipped, asked="",
        petition_at=turn.context.seconds, misses=0,
    )  # fmt: skip


def _petitioned(turn: Turn) -> Outcome:
    """What was done, and the next question, if there is one."""
    event = turn.event if isinstance(turn.event, events.Petitioned) else events.Petitioned(code="")
    now, state = turn.context.seconds, turn.state
    same = event.code == state.petition_code
    asked = next((each for each in event.wants if each in ("why", "note") or not (same and each in state.skipped)), "")
    changes: dict[str, Any] = {
        "step": "petition.adding", "petition_code": event.code[:64], "petition_at": now, "asked": asked[:16],
        "skipped": state.skipped if same else (), "misses": 0,
    }  # fmt: skip
    if event.is_photo:
        changes |= {"media": _PHOTO, "media_at": now}
        if same and _in_album(turn) and state.asked == asked:
            return turn.silence(**changes)
    if event.over:
        return turn.answer(
            event.text, buttons=done_buttons(event.code)[::2], **{**changes, "asked": "", "step": "idle"}
        )
    if asked:
        return turn.answer(event.text, question(asked), buttons=question_buttons(asked, event.code), **changes)
    return turn.answer(event.text, summary(event), buttons=done_buttons(event.code), **changes)


def _code(turn: Turn) -> Outcome:  # noqa: PLR0911 -- one act a line
    """A petition's code, typed with or without what to do, or by button."""
    if not turn.argument:
        said = fold(turn.typed)
        act = next((each for phrase, each in _ACTS.items() if phrase in said), "status")
        code = turn.secret or ""
        return turn.ask(asks.Petition(code, act), **_about(turn, code))
    act, _, rest = turn.argument.partition(" ")
    code, _, value = rest.partition(" ")
    now = turn.context.seconds
    match act:
        case "skip":
            return _skip(turn, code)
        case "done":
            return _done(turn, code)
        case "more":
            return turn.ask(
                asks.AddToPetition(code=code),
                step="petition.adding",
                petition_code="",
                asked="",
                petition_at=now,
                misses=0,
            )
        case "anonymous":
            return turn.ask(asks.AddToPetition(code=code, anonymous=True), petition_at=now, misses=0)
        case "categories":
            return turn.answer(
                question("category"), buttons=question_buttons("category", code), step="petition.adding",
                petition_code=code[:64], petition_at=now, asked="category", misses=0,
            )  # fmt: skip
        case "category":
            return turn.ask(asks.AddToPetition(code=code, category=value), petition_at=now, misses=0)
    known = act in ("confirm", "reopen", "withdraw", "amend")
    return turn.ask(asks.Petition(code, act if known else "status"), **_about(turn, code))


def _about(turn: Turn, code: str) -> dict[str, Any]:
    """The state of a conversation about a petition that was filed; what was left out of another one is forgotten."""
    changes: dict[str, Any] = {"step": "idle", "petition_at": turn.context.seconds, "misses": 0}
    if code and code[:64] != turn.state.petition_code:
        changes |= {"petition_code": code[:64], "skipped": (), "asked": ""}
    return changes


def _done(turn: Turn, code: str) -> Outcome:
    return turn.ask(
        asks.AddToPetition(code=code), step="petition.adding", petition_code=code[:64], asked="",
        skipped=("name", "photos", "commune", "category", "why"), petition_at=turn.context.seconds, misses=0,
    )  # fmt: skip


def _drop_photo(turn: Turn) -> Outcome:
    """A photo sent by mistake, a paper among them: taken back while the petition is at hand; elsewhere none is kept."""
    state, now = turn.state, turn.context.seconds
    if not is_fresh(state, turn.context):
        return turn.answer(words("media.none_kept"), buttons=menu_buttons(), misses=0)
    if state.step == "petition.awaiting_text":
        return turn.ask(asks.DropPhoto(draft=state.draft), petition_at=now, misses=0)
    return turn.ask(asks.DropPhoto(code=state.petition_code), petition_at=now, misses=0)


def _my_petitions(turn: Turn) -> Outcome:
    return turn.ask(asks.MyPetitions(), step="idle", misses=0)


TABLE: Table = {
    (None, Heard.PETITION): _petition,
    (None, Heard.PICTURE): _picture,
    (None, Heard.PLACE): _place,
    (None, Heard.HELD): _held,
    (None, Heard.PETITIONED): _petitioned,
    (None, Heard.PETITION_MORE): _more,
    (None, Heard.PETITION_KIND): _kind,
    (None, Heard.PETITION_CODE): _code,
    (None, Heard.MY_PETITIONS): _my_petitions,
    (None, Heard.DROP_PHOTO): _drop_photo,
    ("petition.awaiting_text", Heard.PETITION): _file,
    ("petition.awaiting_text", Heard.UNKNOWN): _too_short,
}
