"""From what fired to what was meant: the intent, the procedures in order, and whether to ask back rather than guess.

Pure arithmetic over `Fired` rules and `Named` procedures; the numbers here weigh kinds of evidence against each other, the rules' own
weights stand in their files.
"""

from collections.abc import Container, Iterable, Mapping, Sequence

import msgspec

from govchat.language.leaning import NONE, Leaning
from govchat.language.match import Fired
from govchat.language.nearest import CLARIFY, NOTHING, QUESTION, Resemblance

MOST_CANDIDATES = 5
ONLY_GUESSED = "only guessed"
GUESS = "a guess"  # why a procedure is offered that nothing spoke for
WITH_PROCEDURES = frozenset({"procedure_info", "lookup_dossier", "file_online", "dispute"})
_CLOSE, _CLOSE_WITHOUT_MARKS = (
    0.36,
    0.45,
)  # two procedures nearer than this are asked about; letters without marks tell less
CONTESTED = 0.7  # an intent that is no further ahead is not sure
_ABOUT_THE_SAME, _CONTESTED_BY_ITS_OWN = frozenset({"dispute", "lookup_dossier"}), 0.4
_SURE_NAME = 0.62  # the share of the question that a name alone must cover to be believed
_TOUCHED, _NAMED = 0.9, 1.2  # from the one score a procedure was spoken of, from the other it was named
_SURE_LIKE = 1.6  # what only resembles sentences must resemble them well to be believed
_NAMED_BESIDE = 0.9  # the score from which a second procedure is a wish of its own
_ENOUGH = 0.55  # below this score nothing was found
_UNDER_A_LONGER = 0.55  # what is left of a rule whose words another one uses with more
_BESIDE_A_NAME = 0.6  # what is left of a situation where a procedure is named
_FAR_BEHIND = 0.25
_LIKE_A_PROCEDURE, _LIKE_ADDS = (
    2.6,
    1.2,
)  # what sentences that resemble the message weigh: alone, and beside other evidence
_LIKE_AN_INTENT = 1.5
_LIKE_A_QUESTION = 1.1  # most sentences ask about a procedure: that one resembles some of them says less
_LEAST_LIKE = 0.12
_LEAN_ADDS, _LEAN_ALONE, _LEAST_LEAN = (
    1.5,
    1.4,
    0.3,
)  # what all sentences together weigh: beside other evidence, alone, at least
_LEAN_TO_AN_INTENT, _LEAN_TO_A_QUESTION = 1.0, 1.0
_LEANS_ELSEWHERE, _FAR_ELSEWHERE, _NOT_FAR_AHEAD = (
    0.32,
    0.5,
    2.0,
)  # where all sentences contradict, what is not far ahead is asked about
_LEANS_TO_ASKING = 0.35
_AHEAD_WITH_THE_NEAREST = (
    1.0  # where rules and the nearest sentences agree, this far ahead, the others don't contradict
)
_CLOSE_IF_PLAIN, _PLAINLY_AHEAD = 0.3, 0.3  # a procedure that rules and names alone put ahead
_FAR_FROM_A_NAME, _LONG_NAME = 0.8, 5  # what is named out right is doubted later, and by so many words not at all
_SAID_WHOLE = 4.0  # a name that stands in the message word by word
_NAMED_OUT_RIGHT, _NAMED_AHEAD = 1.3, 0.45  # a procedure that is named, and by how much before the next
# what is left of an intent where a procedure is named: "khai sinh ở xã hay ở đâu", "kết hôn theo văn bản nào" ask about the procedure, and
# so does "em với người yêu muốn đăng ký kết hôn"
_BESIDE_A_PROCEDURE = {"contact_office": 0.5, "out_of_scope": 0.5, "staff_inbox": 0.5, "procedure_list": 0.7}
_BESIDE_A_WHOLE_NAME = {"dispute": 0.4}  # "Giải quyết tranh chấp đất đai (Chủ tịch UBND cấp xã) mất bao lâu"


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """One reason to think of a procedure."""

    code: str
    score: float
    places: frozenset[int]
    why: str
    kind: str = "rule"  # rule, situation, alias, name
    covered: float = 1.0


class Procedures(msgspec.Struct, frozen=True):
    """Procedures in order; `ask` when the first must not be believed, `why` says for what reason."""

    ordered: tuple[Evidence, ...] = ()
    ask: bool = False
    why: str = ""

    @property
    def score(self) -> float:
        return self.ordered[0].score if self.ordered else 0.0


def choose_procedures(
    evidence: Sequence[Evidence],
    asks: Sequence[Fired],
    joints: Iterable[int],
    siblings: Sequence[str],
    known: Container[str] | None,
    like: Resemblance = NOTHING,
    lean: Leaning = NONE,
    *,
    marked: bool = True,
) -> Procedures:
    """Order the evidence; `asks` are rules that say "ask", `joints` places of words that join two wishes.

    `known` are the codes of the catalogue: others are never offered. `marked`: whether the message was typed with marks.
    """
    weighed = _weigh([one for one in evidence if one.score >= _FAR_BEHIND])
    best: dict[str, Evidence] = {}
    for one in weighed:
        if one.code not in best or one.score > best[one.code].score:
            best[one.code] = one
    plain = _plain(best)
    _resembles(best, like)
    _leans(best, lean)
    ordered = sorted(best.values(), key=lambda one: (-one.score, one.code))
    top = ordered[0] if ordered else None
    ask = _question(asks, top)
    unclear = _LIKE_ADDS * like.procedures.get(CLARIFY, 0.0) + _LEAN_ADDS * lean.procedures.get(CLARIFY, 0.0)
    if ask and (top is None or (ask.score + unclear >= top.score - 0.02 and not ask.places < top.places)):
        return Procedures(_known(_put_first(ask, ordered), known), True, ask.rule.told)
    if top is None or top.score < _ENOUGH:
        return Procedures(_known(_guessed(ordered, lean), known), True, ONLY_GUESSED)
    apart = _second_wish(top, [one for one in weighed if one.code != top.code], joints)
    close = _CLOSE_IF_PLAIN if top.code == plain else _CLOSE if marked else _CLOSE_WITHOUT_MARKS
    why = _doubt(ordered, apart, close) or _contradiction(ordered, like, lean, plain)
    if why == "two wishes" and apart is not None:
        ordered = [top, *sorted(ordered[1:], key=lambda one: one.code != apart.code)]
    have = {one.code for one in ordered}
    ordered += [
        Evidence(code, top.score * 0.3, frozenset(), f"related to {top.code}", "sibling")
        for code in siblings
        if code not in have
    ]
    head = 2 if why == "two wishes" else 1
    ordered = [*ordered[:head], *sorted(ordered[head:], key=lambda one: -one.score)]
    offered = _known(ordered, known)
    if offered and offered[0] is not top:
        return Procedures(offered, True, f"{top.code} is not in this catalogue")
    return Procedures(offered, bool(why), why)


def _put_first(ask: Fired, ordered: Iterable[Evidence]) -> list[Evidence]:
    """What a rule wants asked about, then the rest."""
    first = [
        Evidence(code, ask.score - 0.01 * number, ask.places, ask.rule.told, "ask")
        for number, code in enumerate(ask.rule.codes)
    ]
    named = {one.code for one in first}
    return [*first, *(one for one in ordered if one.code not in named)]


def _plain(best: Mapping[str, Evidence]) -> str:
    """The code that rules and names alone put well ahead; empty when none is. Witnesses must contradict it louder to be heard."""
    ordered = sorted(best.values(), key=lambda one: -one.score)
    if not ordered or ordered[0].kind not in ("rule", "alias") or ordered[0].score < _NAMED:
        return ""
    ahead = ordered[0].score - (ordered[1].score if len(ordered) > 1 else 0.0)
    return ordered[0].code if ahead >= _PLAINLY_AHEAD else ""


def _question(asks: Sequence[Fired], top: Evidence | None) -> Fired | None:
    """The rule that says "ask", unless the message says more than the words it stands on."""
    ask = max(asks, key=lambda one: one.score, default=None)
    if ask is None or top is None or top.kind not in ("rule", "alias"):
        return ask
    if ask.rule.alone and top.score >= _TOUCHED and not top.places <= ask.places:
        return None  # more was said than the few words that would have to be asked about
    if top.score >= _NAMED and not top.places & ask.places:
        return None  # a procedure is named besides, in words of its own
    return ask


def _resembles(best: dict[str, Evidence], like: Resemblance) -> None:
    """Add what the nearest sentences say to the evidence for each procedure."""
    for code, support in like.procedures.items():
        if code == CLARIFY or support < _LEAST_LIKE:
            continue
        if code in best:
            best[code] = _with_more(best[code], _LIKE_ADDS * support)
        else:
            best[code] = Evidence(code, _LIKE_A_PROCEDURE * support, frozenset(), f"like: {like.like}", "like")


def _leans(best: dict[str, Evidence], lean: Leaning) -> None:
    """Add what all sentences together say to the evidence for each procedure."""
    for code, share in lean.procedures.items():
        if code == CLARIFY:
            continue
        if code in best:
            best[code] = _with_more(best[code], _LEAN_ADDS * share)
        elif share >= _LEAST_LEAN:
            best[code] = Evidence(code, _LEAN_ALONE * share, frozenset(), "leaning of all sentences", "like")


def _with_more(one: Evidence, more: float) -> Evidence:
    """The evidence with what witnesses add; they don't make a name whole of which only part was said."""
    score = one.score + more
    if one.kind == "name" and one.score < _SAID_WHOLE:
        score = min(score, _SAID_WHOLE - 0.01)
    return msgspec.structs.replace(one, score=score)


def _guessed(ordered: Sequence[Evidence], lean: Leaning) -> list[Evidence]:
    """What to offer where no procedure was recognised: what comes nearest, never believed."""
    near = {one.code: one.score for one in ordered}
    for code, share in lean.procedures.items():
        if code != CLARIFY:
            near[code] = near.get(code, 0.0) + share
    best = sorted(near, key=lambda code: (-near[code], code))
    return [
        Evidence(code, min(near[code], _ENOUGH), frozenset(), GUESS, "like")
        for code in best
        if near[code] >= _LEAST_LIKE
    ]


def _known(ordered: Sequence[Evidence], known: Container[str] | None) -> tuple[Evidence, ...]:
    return tuple(one for one in ordered if known is None or one.code in known)[:MOST_CANDIDATES]


def _weigh(evidence: Sequence[Evidence]) -> list[Evidence]:
    named = [one for one in evidence if one.kind in ("rule", "alias") and one.score >= 0.9]
    weighed = []
    for one in evidence:
        score = one.score
        if any(
            one.places < other.places and other.code != one.code and other.score >= one.score and other.kind != "name"
            for other in evidence
        ):
            score *= _UNDER_A_LONGER
        elif one.kind == "situation" and any(
            not (other.places & one.places) and other.code != one.code for other in named
        ):
            score *= _BESIDE_A_NAME
        elif one.kind == "name" and any(one.places <= other.places and other.code != one.code for other in named):
            score *= _UNDER_A_LONGER
        weighed.append(msgspec.structs.replace(one, score=score) if score != one.score else one)
    return weighed


def _doubt(ordered: Sequence[Evidence], apart: Evidence | None, close: float) -> str:
    top = ordered[0]
    if top.kind == "like" and top.score < _SURE_LIKE:
        return "it only resembles a sentence"
    if top.kind == "name" and top.covered < _SURE_NAME:
        return "only part of the words is in the name"
    if apart is not None:
        return "two wishes"
    if len(ordered) > 1 and top.score - ordered[1].score < close and ordered[1].kind != "sibling":
        return "two are alike"
    return ""


def _contradiction(ordered: Sequence[Evidence], like: Resemblance, lean: Leaning, plain: str) -> str:
    """Why the first is asked about though it is ahead: all sentences together say something else."""
    top = ordered[0]
    ahead = top.score - (ordered[1].score if len(ordered) > 1 else 0.0)
    # "khai tử lệ phí bao nhiêu": only its second half is unclear
    named = top.kind in ("name", "alias") and top.score >= _NAMED_OUT_RIGHT and ahead >= _NAMED_AHEAD
    if lean.procedures.get(CLARIFY, 0.0) > _LEANS_TO_ASKING and not named:
        return "sentences like it are unclear"
    if top.kind == "name" and top.score >= _SAID_WHOLE:
        return ""
    other = _most(lean.procedures) or CLARIFY
    share = lean.procedures.get(other, 0.0)
    enough = _FAR_FROM_A_NAME if named else _FAR_ELSEWHERE if top.code == plain else 0.0
    if other in (CLARIFY, top.code) or share <= enough:
        return ""
    lead = top.score - next((one.score for one in ordered if one.code == other), 0.0)
    if top.kind == "rule" and ahead >= _AHEAD_WITH_THE_NEAREST and _most(like.procedures) == top.code:
        return ""
    if share > _FAR_ELSEWHERE or (share > _LEANS_ELSEWHERE and lead < _NOT_FAR_AHEAD):
        return f"most sentences with these words mean {other}"
    return ""


def _second_wish(top: Evidence, others: Iterable[Evidence], joints: Iterable[int]) -> Evidence | None:
    """What is wished for besides `top`: named on words of its own, with a joining word between."""
    if top.kind not in ("rule", "alias"):
        return None
    places = list(joints)
    apart = [
        one
        for one in others
        if one.kind in ("rule", "alias") and one.score >= _NAMED_BESIDE and _joined(top.places, one.places, places)
    ]
    return max(apart, key=lambda one: one.score, default=None)


def _joined(one: frozenset[int], two: frozenset[int], joints: Sequence[int]) -> bool:
    if one & two:
        return False
    first, second = sorted((one, two), key=min)
    return max(first) < min(second) and any(max(first) <= at <= min(second) or at > max(second) for at in joints)


class Wish(msgspec.Struct, frozen=True):
    """The intent with its score, the one behind it, and the rules that speak for it."""

    intent: str
    detail: str
    score: float
    behind: str = ""
    behind_score: float = 0.0
    fired: tuple[Fired, ...] = ()


def choose_intent(
    fired: Sequence[Fired],
    procedures: Procedures,
    *,
    field: str,
    codes: bool,
    document: bool,
    like: Resemblance = NOTHING,
    lean: Leaning = NONE,
) -> Wish:
    """The intent with most evidence; procedures, dossier codes and document numbers are evidence as well."""
    by_intent: dict[str, list[Fired]] = {}
    for one in fired:
        by_intent.setdefault(one.rule.means, []).append(one)
    scores: dict[str, float] = {}
    for intent, found in by_intent.items():
        found.sort(key=lambda one: -one.score)
        more = [one.score for one in found[1:] if not (one.places & found[0].places)]
        scores[intent] = found[0].score + 0.25 * (more[0] if more else 0.0)
    named = next((one for one in procedures.ordered[:2] if one.kind != "like"), None)
    if named is not None:
        strength = 1.2 + 0.3 * min(named.score, 3.0) + (0.3 if field else 0.0)
        scores["procedure_info"] = max(scores.get("procedure_info", 0.0), strength)
    if codes:
        scores["lookup_dossier"] = scores.get("lookup_dossier", 0.0) + 2.4
    if document:
        scores["staff_inbox"] = scores.get("staff_inbox", 0.0) + 1.6
    for intent, support in like.intents.items():
        weight = _LIKE_A_QUESTION if intent == "procedure_info" else _LIKE_AN_INTENT
        scores[intent] = scores.get(intent, 0.0) + weight * support
    for intent, share in lean.intents.items():
        weight = _LEAN_TO_A_QUESTION if intent == "procedure_info" else _LEAN_TO_AN_INTENT
        scores[intent] = scores.get(intent, 0.0) + weight * share
    whole = named is not None and named.kind == "name" and named.score >= _SAID_WHOLE
    if whole or (named is not None and named.kind in ("rule", "alias") and named.score >= 0.9 and not document):
        for intent, left in (_BESIDE_A_PROCEDURE | (_BESIDE_A_WHOLE_NAME if whole else {})).items():
            if intent in scores:
                scores[intent] *= left
    if not scores:
        return Wish("out_of_scope", "", 0.0)
    ordered = sorted(scores, key=lambda intent: (-scores[intent], intent))
    best, second = ordered[0], ordered[1] if len(ordered) > 1 else ""
    detail = by_intent[best][0].rule.detail if best in by_intent else ""
    return Wish(best, detail, scores[best], second, scores.get(second, 0.0), tuple(by_intent.get(best, ())))


def _most(shares: Mapping[str, float]) -> str:
    return max(shares, key=shares.__getitem__, default="")


def contradicted(wish: Wish, like: Resemblance, lean: Leaning, top: Evidence | None = None) -> bool:
    """Whether the intent must be asked about: another is close, or all sentences together speak for another.

    `top` is the first procedure: one that is called by a long name is what is asked about.
    """
    if (
        top is not None
        and top.kind in ("name", "alias")
        and len(top.places) >= _LONG_NAME
        and wish.intent == "procedure_info"
    ):
        return False
    ahead = wish.score - wish.behind_score
    shares = dict(lean.intents)
    contested = CONTESTED
    if top is not None and wish.intent in _ABOUT_THE_SAME and wish.fired:
        # "tranh chấp ranh đất" is a dispute and the procedure that settles it: to speak for this one is to speak for both
        shares[QUESTION] = shares.get(QUESTION, 0.0) - lean.procedures.get(top.code, 0.0)
        contested = _CONTESTED_BY_ITS_OWN if wish.behind == QUESTION else CONTESTED
    if ahead < contested:
        return True
    if wish.fired and ahead >= _NOT_FAR_AHEAD and _most(like.intents) == wish.intent:
        return False
    other = _most(shares) or wish.intent
    share = shares.get(other, 0.0)
    return other != wish.intent and (share > _FAR_ELSEWHERE or (share > _LEANS_ELSEWHERE and ahead < _NOT_FAR_AHEAD))
