"""The entrance: `read(text, book)` reads one message. From any text to a `Reading`, with the steps that led there.

Pure and total: the same text and book give the same reading, nothing raises, and the work is bounded whatever the text.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from govchat.language.book import CORRECTIONS, CORRECTIONS_FIRST, ELSEWHERE, JOINTS, PURPOSE, Book
from govchat.language.decide import (
    GUESS,
    ONLY_GUESSED,
    WITH_PROCEDURES,
    Evidence,
    Procedures,
    Wish,
    choose_intent,
    choose_procedures,
    contradicted,
)
from govchat.language.leaning import Leaning
from govchat.language.lexicon import Hit, find, senses
from govchat.language.match import Fired, fire
from govchat.language.names import OWN_ALIAS, alias_code
from govchat.language.nearest import Resemblance
from govchat.language.normalise import Step, Word, words_of
from govchat.language.protect import CodeFinder, Slots, no_codes, protect
from govchat.language.typos import mend

_SHORT = 6  # words of a follow-up
_CORRECTED_BY = 5  # a correction stands among the first words
_UNKNOWN_BELOW = 0.75  # an intent with a lower score is not believed,
_UNKNOWN_AT_ALL, _FAR_AHEAD = 0.7, 1.8  # unless nothing else comes near; below the first, never
_UNKNOWN_AMONG = 1.2  # what no rule and no name speaks for, from here on
_GUESSED_FROM, _GUESSED_QUESTION = 0.3, 0.75  # an intent that is only guessed is named from here on, and never acted on
_FOR_A_PURPOSE = 0.65  # what is left of a wish that is only what another is for
_TENANT_ALIAS = 0.35  # a province's own word counts more than one of the catalogue
_WISHES = frozenset({"muon", "xin", "lam", "can"})  # a wish of its own has no field of what was talked about before
_ASKED_FOR = frozenset({"procedure_info", "file_online"})


class Context(msgspec.Struct, frozen=True):
    """What the conversation was about: the procedure shown last and the field asked for."""

    procedure: str = ""
    field: str = ""


class Candidate(msgspec.Struct, frozen=True):
    """A procedure that may be meant; `why` is the rule, the alias or the name that spoke for it."""

    code: str
    name: str
    score: float
    why: str


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How a message was read.

    `detail` narrows the intent (`lost_code`, `menu` …); `field` is what is asked about a procedure; `behind` the intent that came
    second when it was said as well; `inherited` when the procedure or the field comes from the context. `understood` is False when
    nothing was recognised: say so, offer menu and human.
    """

    intent: str
    detail: str = ""
    procedures: tuple[Candidate, ...] = ()
    field: str = ""
    ask_back: bool = False
    ask_why: str = ""
    confidence: float = 0.0
    understood: bool = True
    slots: Slots = Slots()
    pieces: bool = False
    behind: str = ""
    inherited: bool = False
    correction: bool = False
    trace: tuple[Step, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The normalised dossier codes in the message."""
        return self.slots.codes


def read(text: str, book: Book, *, context: Context | None = None, find_codes: CodeFinder = no_codes) -> Reading:
    """Read one message; `find_codes` finds dossier codes in the cleaned text."""
    trace: list[Step] = []
    protected = protect(text, find_codes)
    trace.append(Step("protected", protected.text))
    rules = book.rules
    words = words_of(protected.text, rules.spelling, book.vocabulary, book.known, trace)
    found = find(words, book.roots)
    words, correction = _after_correction(words, found)
    if correction:
        found = find(words, book.roots)
    seen = _seen(words, found, book)
    if seen.weak:
        mended = mend(words, book)
        if mended is not None:
            found_again = find(mended, book.roots)
            again = _seen(mended, found_again, book)
            if again.strength > seen.strength:
                words, found, seen = mended, found_again, again
                trace.append(Step("typos", " ".join(word.toned for word in words)))
    return _conclude(words, seen, protected.slots, protected.pieces, correction, book, context, trace)


class _Seen(msgspec.Struct, frozen=True):
    """What the words gave: rules by kind, procedures, the field asked."""

    intents: tuple[Fired, ...]
    procedures: Procedures
    fields: tuple[Fired, ...]
    like: Resemblance
    lean: Leaning

    @property
    def strength(self) -> float:
        return max([self.procedures.score, *(one.score for one in self.intents)])

    @property
    def weak(self) -> bool:
        best = self.procedures.ordered[0] if self.procedures.ordered else None
        named = best is not None and best.kind != "like" and (best.kind != "name" or best.covered > 0.9)
        return not named and all(one.score < 2.0 for one in self.intents)


_SHORT_ENOUGH, _MOST_REMEMBERED = 6, 2000
_REMEMBERED: dict[tuple[int, tuple[Word, ...]], tuple[Book, _Seen]] = {}


def _seen(words: tuple[Word, ...], found: Mapping[str, tuple[Hit, ...]], book: Book) -> _Seen:
    """What is seen in these words; short messages are said again and again, numbers and codes in them are masked."""
    if len(words) > _SHORT_ENOUGH:
        return _see(words, found, book)
    key = (id(book), words)
    known = _REMEMBERED.get(key)
    if known is None or known[0] is not book:
        if len(_REMEMBERED) >= _MOST_REMEMBERED:
            _REMEMBERED.clear()
        known = _REMEMBERED[key] = (book, _see(words, found, book))
    return known[1]


def _see(words: tuple[Word, ...], found: Mapping[str, tuple[Hit, ...]], book: Book) -> _Seen:
    rules = book.rules
    spoken = frozenset(at for at, word in enumerate(words) if not word.courtesy)
    numbers = {number for group in found for number in rules.by_group.get(group, ())}
    fired = [one for number in sorted(numbers) if (one := fire(rules.rules[number], found, spoken)) is not None]
    purpose = _purpose(words, found)
    fired = [_weaker(one) if min(one.places) >= purpose else one for one in fired]
    evidence = [*_from_rules(fired), *_from_aliases(found), *_from_names(words, book)]
    evidence = [_weaker(one) if one.kind == "alias" and min(one.places) >= purpose else one for one in evidence]
    joints = [hit.start for hit in found.get(JOINTS, ())] + [
        at for at, word in enumerate(words) if word.after_break and at
    ]
    siblings = _siblings(fired)
    known = book.names.by_code if len(book.names) else None
    meant = senses(words, rules.senses.root)
    like, lean = rules.examples.nearest(words, meant), rules.leanings.of(words, meant)
    asks = [one for one in fired if one.rule.kind == "ask"]
    marked = any(word.toned != word.shadow for word in words if not word.made)
    procedures = choose_procedures(evidence, asks, joints, siblings, known, like, lean, marked=marked)
    if ELSEWHERE in found and procedures.why == ONLY_GUESSED:
        procedures, like, lean = Procedures(), like.without_procedures(), lean.without_procedures()
    return _Seen(
        intents=tuple(one for one in fired if one.rule.kind == "intent"),
        procedures=procedures,
        fields=tuple(sorted((one for one in fired if one.rule.kind == "field"), key=lambda one: -one.score)),
        like=like,
        lean=lean,
    )


def _purpose(words: tuple[Word, ...], found: Mapping[str, tuple[Hit, ...]]) -> int:
    """The place from which on the message only says what for; behind its end when it says nothing of the kind."""
    starts = [hit.start for hit in found.get(PURPOSE, ()) if sum(not word.courtesy for word in words[: hit.start]) > 1]
    return min(starts, default=len(words))


Weighed = TypeVar("Weighed", Fired, Evidence)


def _weaker(one: Weighed) -> Weighed:
    return msgspec.structs.replace(one, score=one.score * _FOR_A_PURPOSE)


def _from_rules(fired: list[Fired]) -> list[Evidence]:
    return [
        Evidence(one.rule.means, one.score, one.places, one.rule.told, "situation" if one.rule.situation else "rule")
        for one in fired
        if one.rule.kind == "procedure"
    ]


def _from_aliases(found: Mapping[str, tuple[Hit, ...]]) -> list[Evidence]:
    evidence = []
    for group, hits in found.items():
        code = alias_code(group)
        if code:
            hit = hits[0]
            own = _TENANT_ALIAS if group[0] == OWN_ALIAS else 0.0
            score = (0.9 + 0.15 * (len(hit.places) - 1) + own) * hit.quality
            evidence.append(Evidence(code, score, hit.places, f"alias of {code}", "alias"))
    return evidence


def _from_names(words: tuple[Word, ...], book: Book) -> list[Evidence]:
    return [
        Evidence(named.code, named.score, named.places, "name", "name", named.covered)
        for named in (*book.names.said(words), *book.names.search(words, book.rules.fillers))
    ]


def _siblings(fired: list[Fired]) -> tuple[str, ...]:
    best = max((one for one in fired if one.rule.kind == "procedure"), key=lambda one: one.score, default=None)
    return best.rule.also if best else ()


def _after_correction(words: tuple[Word, ...], found: Mapping[str, tuple[Hit, ...]]) -> tuple[tuple[Word, ...], bool]:
    """The words behind "nhầm, ý mình là": what stands before no longer counts."""
    ends = [hit.end for hit in found.get(CORRECTIONS, ()) if hit.start <= _CORRECTED_BY and _corrects(hit, words)]
    ends += [
        hit.end
        for hit in found.get(CORRECTIONS_FIRST, ())
        if hit.start == 0 and hit.end < len(words) and words[hit.end].after_break
    ]
    if not ends:
        return words, False
    end = max(ends)
    return (words[end:], True) if end < len(words) else (words, True)


def _corrects(hit: Hit, words: tuple[Word, ...]) -> bool:
    """ "mà là" corrects only what was denied before: "không phải khai sinh mà là khai tử"."""
    return hit.wanted != ("mà", "là") or any(word.toned in ("không", "khong") for word in words[: hit.start])


def _conclude(
    words: tuple[Word, ...],
    seen: _Seen,
    slots: Slots,
    pieces: bool,
    correction: bool,
    book: Book,
    context: Context | None,
    trace: list[Step],
) -> Reading:
    field = seen.fields[0].rule.means if seen.fields else ""
    wish = _wish(words, seen, field, codes=bool(slots.codes) or pieces)
    procedures, ask_back, why = seen.procedures.ordered, seen.procedures.ask, seen.procedures.why
    inherited = False
    if context is not None and _asks_about(context, procedures, field, wish, words):
        known = Evidence(context.procedure, 1.0, frozenset(), "from the context", "context")
        procedures, ask_back, why = (known,), False, ""
        wish, inherited = Wish("procedure_info", "", 1.5), True
    elif context is not None and procedures and _asks_the_same(context, field, words):
        field, inherited = context.field, True
    understood, intent = _believed(wish, seen)
    procedures, ask_back, why = _asked_for(intent, procedures, ask_back, why)
    if not understood:
        ask_back, why = True, "nothing was recognised"
    elif (
        not inherited
        and not slots.codes
        and contradicted(wish, seen.like, seen.lean, procedures[0] if procedures else None)
    ):
        ask_back, why = True, why or f"{wish.intent} or {wish.behind}"
    candidates = tuple(
        Candidate(one.code, book.names.name(one.code), round(one.score, 2), one.why) for one in procedures
    )
    trace += _explained(seen, wish)
    return Reading(
        intent=intent,
        detail=wish.detail if understood else "",
        procedures=candidates,
        field=field,
        ask_back=ask_back,
        ask_why=why,
        confidence=_confidence(wish, candidates, ask_back, understood),
        understood=understood,
        slots=slots,
        pieces=pieces,
        behind=wish.behind if wish.behind_score >= 1.5 else "",
        inherited=inherited,
        correction=correction,
        trace=tuple(trace),
    )


def _wish(words: tuple[Word, ...], seen: _Seen, field: str, *, codes: bool) -> Wish:
    marks = {word.shadow for word in words}
    return choose_intent(
        seen.intents,
        seen.procedures,
        field=field,
        codes=codes or "<code>" in marks,
        document="<document>" in marks,
        like=seen.like,
        lean=seen.lean,
    )


def _believed(wish: Wish, seen: _Seen) -> tuple[bool, str]:
    """Whether the wish was understood, and the intent to name: one that is only guessed is never acted on."""
    understood = wish.score >= _UNKNOWN_BELOW or (
        wish.score >= _UNKNOWN_AT_ALL and wish.score >= wish.behind_score * _FAR_AHEAD
    )
    if wish.score < _UNKNOWN_AMONG and not (wish.fired or seen.procedures.ordered):
        # no rule fired, and the sentences that are nearest are at odds with all the others
        understood = understood and max(seen.lean.intents, key=seen.lean.intents.__getitem__, default="") == wish.intent
    enough = _GUESSED_QUESTION if wish.intent == "procedure_info" else _GUESSED_FROM
    return understood, wish.intent if understood or wish.score >= enough else "out_of_scope"


def _asked_for(
    intent: str, procedures: tuple[Evidence, ...], ask_back: bool, why: str
) -> tuple[tuple[Evidence, ...], bool, str]:
    """The procedures that matter to this intent, and whether they must be asked about."""
    if intent not in WITH_PROCEDURES:
        return (), False, ""
    if intent not in _ASKED_FOR:
        return tuple(one for one in procedures if one.why != GUESS), False, ""
    if intent == "procedure_info" and not procedures:
        return procedures, True, why or "no procedure was recognised"
    return procedures, ask_back, why


def _asks_about(
    context: Context, procedures: tuple[Evidence, ...], field: str, wish: Wish, words: tuple[Word, ...]
) -> bool:
    """Whether a field is asked about the procedure of the context: "còn phí?"."""
    if not (field and context.procedure) or (procedures and procedures[0].kind != "like"):
        return False
    if wish.intent == "file_online":  # "làm online được không", not "nộp hồ sơ online ở đâu"
        return field == "online" and len(words) <= _SHORT and all(word.shadow != "nop" for word in words)
    return wish.intent in ("procedure_info", "out_of_scope", "contact_office", "payment")


def _asks_the_same(context: Context, field: str, words: tuple[Word, ...]) -> bool:
    """Whether the field of the context is asked about another procedure: "thế còn kết hôn?", "còn khai tử thì sao"."""
    if not context.field or len(words) > _SHORT:
        return False
    said = [word.shadow for word in words]
    and_that = "con" in said[:2] or said[-2:] == ["thi", "sao"]
    return (not field and (and_that or not _WISHES.intersection(said))) or (field == "how" and and_that)


def _confidence(wish: Wish, procedures: tuple[Candidate, ...], ask_back: bool, understood: bool) -> float:
    """0 to 1: how far the best reading is ahead of the next; at most 0.5 when it must be asked back."""
    if not understood:
        return round(0.2 * wish.score, 2)
    ahead = min(1.0, max(0.0, wish.score - wish.behind_score))
    confidence = 0.45 + 0.1 * min(wish.score, 3.0) + 0.25 * ahead
    if wish.intent == "procedure_info" and procedures:
        lead = procedures[0].score - (procedures[1].score if len(procedures) > 1 else 0.0)
        confidence = 0.5 + 0.1 * min(procedures[0].score, 2.5) + 0.25 * min(1.0, max(0.0, lead))
    return round(min(0.99, confidence if not ask_back else min(0.5, confidence / 2)), 2)


def _explained(seen: _Seen, wish: Wish) -> list[Step]:
    steps = [
        Step("rule", f"{one.rule.means} {one.score:.2f}  {one.rule.told}")
        for one in sorted((*seen.intents, *seen.fields), key=lambda one: -one.score)[:8]
    ]
    steps += [
        Step("procedure", f"{one.code} {one.score:.2f}  {one.kind}: {one.why}") for one in seen.procedures.ordered
    ]
    behind = f", behind it {wish.behind} {wish.behind_score:.2f}" if wish.behind else ""
    if seen.lean.intents:
        wishes = {intent: share for intent, share in seen.lean.intents.items() if intent != "procedure_info"}
        shares = {**seen.lean.procedures, **wishes}
        most = sorted(shares, key=lambda meaning: -shares[meaning])[:3]
        steps.append(Step("lean", ", ".join(f"{meaning} {shares[meaning]:.2f}" for meaning in most)))
    if seen.like.like:
        steps.append(Step("like", f"{seen.like.closeness:.2f}  {seen.like.like}"))
    steps.append(Step("intent", f"{wish.intent} {wish.score:.2f}{behind}"))
    return steps
