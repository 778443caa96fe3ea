"""Which rules fire in a message, with what score, and on which of its words. From groups found to `Fired`; pure."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

import msgspec

from govchat.language.lexicon import Hit
from govchat.language.rules import Item, Part, Rule

_FREE_GAP = 3  # words between the items of a rule that cost nothing
_GAP_COST, _MOST_GAP_COST = 0.02, 0.3
_PER_WORD = 0.08  # what each word beyond one an item adds: the longer phrase says more
_MOST_WAYS = 200


class Fired(msgspec.Struct, frozen=True, gc=False):
    """A rule that fired: its score, and the places of the words it stands on."""

    rule: Rule
    score: float
    places: frozenset[int]


def key_groups(rule: Rule) -> Iterable[str]:
    """The groups of which one must be present for the rule to fire: those of its item with the fewest."""
    item = min(rule.needs, key=lambda one: len(one.alternatives))
    return {parts[0].group for parts in item.alternatives}


def fire(rule: Rule, found: Mapping[str, tuple[Hit, ...]], spoken: frozenset[int]) -> Fired | None:
    """The rule on the words where it scores best; None when it does not fire. `spoken`: the places of words that are no courtesies."""
    ways: list[list[Hit]] = []
    for item in rule.needs:
        hits = _hits(item, found)
        if not hits:
            return None
        ways.append(hits)
    best = _best(rule, ways)
    if best is None:
        return None
    score, places = best
    for item in rule.bars:
        if any(not hit.places <= places for hit in _hits(item, found)):
            return None
    said = len(places & spoken)
    if rule.alone and said * 2 < len(spoken) + (said > 1):
        return None
    return Fired(rule, score, places)


def _hits(item: Item, found: Mapping[str, tuple[Hit, ...]]) -> list[Hit]:
    hits: list[Hit] = []
    for parts in item.alternatives:
        hits += found.get(parts[0].group, ()) if len(parts) == 1 else _sequence(parts, found)
    return hits


def _sequence(parts: tuple[Part, ...], found: Mapping[str, tuple[Hit, ...]]) -> list[Hit]:
    hits = list(found.get(parts[0].group, ()))
    for part in parts[1:]:
        following = found.get(part.group, ())
        hits = [
            Hit(one.start, two.end, (one.quality + two.quality) / 2, one.places | two.places)
            for one in hits
            for two in following
            if 0 <= two.start - one.end <= part.gap
        ][:12]
    return hits


def _best(rule: Rule, ways: list[list[Hit]]) -> tuple[float, frozenset[int]] | None:
    chosen: list[tuple[list[Hit], frozenset[int]]] = [([], frozenset())]
    for hits in ways:
        chosen = [
            ([*taken, hit], places | hit.places)
            for taken, places in chosen
            for hit in hits
            if not (hit.places & places)
        ][:_MOST_WAYS]
    best: tuple[float, int, frozenset[int]] | None = None
    for taken, places in chosen:
        # of ways that score alike the narrowest: in "đổi căn cước với đổi bằng lái" each has an "đổi" of its own
        way = (_score(rule, taken, places), min(places) - max(places), places)
        if best is None or way[:2] > best[:2]:
            best = way
    return (best[0], best[2]) if best else None


def _score(rule: Rule, taken: list[Hit], places: frozenset[int]) -> float:
    quality = sum(hit.quality for hit in taken) / len(taken)
    span = max(hit.end for hit in taken) - min(hit.start for hit in taken)
    gap = max(0, span - len(places) - _FREE_GAP)
    extra = _PER_WORD * (len(places) - len(taken))
    in_order = 0.03 if all(one.start < two.start for one, two in pairwise(taken)) else 0.0
    return (rule.weight + extra) * quality - min(_MOST_GAP_COST, gap * _GAP_COST) + in_order
