"""Groups of words that mean the same (`words.toml`), and where they stand in a message.

A phrase is found by its shadow in a trie, courtesies between its words skipped; its quality says how well the marks that were typed
agree with it.
"""

from collections.abc import Mapping
from itertools import pairwise

import msgspec

from govchat.language.normalise import Word
from govchat.language.syllables import OTHER_MARKS, PLAIN, likeness, shadow, spelled

WELL_ENOUGH = 0.7
_AS_WRITTEN, _ONE_WORD = 0.95, 0.8
_PLAIN_AMONG_MARKED = 0.72
SENSE = "{"  # begins the names of groups where they stand among words
CATALOGUE = "=#"  # begin the names of groups of aliases
FIXED = "!"  # begins the name of a group of fixed expressions
_MOST_HITS = 6  # of one group in one message
_MOST_SKIPS = 2  # courtesies between two words of a phrase
_OTHER_WORD_AMONG = (
    4  # a phrase of fewer words does not bear one that was typed with other marks: "giấy tờ ở đâu" is not "tố ở đâu"
)
_SETTLES = 0.8  # how well a phrase must be found to settle what its words are


class Hit(msgspec.Struct, frozen=True, gc=False):
    """A phrase found: the words `start` to `end`, how well, and the places of its own words."""

    start: int
    end: int
    quality: float
    places: frozenset[int]
    wanted: tuple[str, ...] = ()


class Node:
    """A place in the trie: the next words by shadow, and the phrases that end here as (group, words, only as written)."""

    __slots__ = ("ends", "next")

    def __init__(self) -> None:
        self.next: dict[str, Node] = {}
        self.ends: list[tuple[str, tuple[str, ...], bool]] = []


class Lexicon:
    """All phrases of all groups. `vocabulary` holds the shadows of their words, `known` the words, `pairs` neighbours."""

    __slots__ = ("_common", "known", "pairs", "root", "vocabulary")

    def __init__(self, common: Mapping[str, frozenset[str]] | None = None) -> None:
        """`common`: shadow → words that are meant whenever it is typed; others of that shadow are found only as written."""
        self._common = common or {}
        self.root = Node()
        self.vocabulary: set[str] = set()
        self.known: set[str] = set()
        self.pairs: set[tuple[str, str]] = set()

    def add(self, group: str, phrase: str) -> None:
        """Let `phrase` stand for `group`; with "=" behind it only as written, never by its shadow."""
        exact = phrase.endswith("=")
        phrase = phrase.removesuffix("=")
        words = tuple(spelled(word) for word in phrase.replace(",", " ").replace("-", " ").split())
        if len(words) == 1 and words[0] not in self._common.get(shadow(words[0]), words):
            exact = True
        node = self.root
        plain = [shadow(word) for word in words]
        for word, letters in zip(words, plain, strict=True):
            following = node.next.get(letters)
            if following is None:
                following = node.next[letters] = Node()
            node = following
            if word[0] != "<":
                self.vocabulary.add(letters)
                self.known.add(word)
        self.pairs.update(pairwise(plain))
        if (group, words, exact) not in node.ends:
            node.ends.append((group, words, exact))


def find(words: tuple[Word, ...], roots: tuple[Node, ...]) -> Mapping[str, tuple[Hit, ...]]:
    """Every group in the words, best hits first; work is bounded by words times the depth of the tries."""
    found: dict[str, list[Hit]] = {}
    marked = _is_marked(words)
    for start in range(len(words)):
        for root in roots:
            _walk(words, start, root, found, marked)
    _swallow(found)
    _settle(words, found)
    return {
        group: tuple(sorted(hits, key=lambda hit: (-hit.quality, -len(hit.places), hit.start))[:_MOST_HITS])
        for group, hits in found.items()
        if hits
    }


def senses(words: tuple[Word, ...], root: Node) -> tuple[str, ...]:
    """The groups that the words belong to, the longest phrase at each place; coarser and much cheaper than `find`."""
    found: dict[str, None] = {}
    for start, first in enumerate(words):
        node, at, skipped = root.next.get(first.shadow), start + 1, 0
        if node is None:
            continue
        toned = first.toned
        reached: list[tuple[str, tuple[str, ...], bool]] = []
        while node is not None:
            if node.ends:
                reached = [end for end in node.ends if end[1][0] == toned or _sounds(first, end)] or reached
            while (
                at < len(words) and words[at].courtesy and words[at].shadow not in node.next and skipped < _MOST_SKIPS
            ):
                at, skipped = at + 1, skipped + 1
            node = node.next.get(words[at].shadow) if at < len(words) else None
            at += 1
        for group, _, _ in reached:
            found[SENSE + group] = None
    return tuple(found)


def _sounds(word: Word, end: tuple[str, tuple[str, ...], bool]) -> bool:
    """Whether the first word may be that of the phrase; the shadows of the others agree already."""
    if len(end[1]) > 1:
        return likeness(word.toned, end[1][0]) > OTHER_MARKS
    return word.toned == end[1][0] or (not end[2] and likeness(word.toned, end[1][0]) >= WELL_ENOUGH)


def _swallow(found: dict[str, list[Hit]]) -> None:
    """Inside a fixed expression the single words mean nothing else, nor do they end a shorter one.

    "làm mất bao lâu" holds no "làm mất".
    """
    fixed = [hit for group, hits in found.items() if group[0] == FIXED for hit in hits]
    if fixed:
        for group, hits in found.items():
            if group[0] != FIXED:
                found[group] = [hit for hit in hits if not any(_within(hit, one) for one in fixed)]


def _within(hit: Hit, fixed: Hit) -> bool:
    runs_into = hit.start < fixed.start < hit.end < fixed.end and len(hit.places) < len(fixed.places)
    return hit.places < fixed.places or runs_into


def _settle(words: tuple[Word, ...], found: dict[str, list[Hit]]) -> None:
    """Let the longer phrase say what its words are.

    A word typed without marks is the one of the longest phrase it stands in ("bao lau" holds no "báo"); and where two phrases meet, what
    lies across the seam is none ("chứng nhận | hộ nghèo" holds no "nhận hộ").
    """
    phrases = [
        (group, hit) for group, hits in found.items() for hit in hits if len(hit.places) > 1 and hit.quality >= _SETTLES
    ]
    if not phrases:
        return
    longest: dict[int, tuple[int, set[str]]] = {}
    before: dict[int, int] = {}
    behind: dict[int, int] = {}
    for group, hit in phrases:
        before[hit.end] = min(hit.start, before.get(hit.end, hit.start))
        behind[hit.start] = max(hit.end, behind.get(hit.start, hit.end))
        length = len(hit.wanted)
        for place, word in zip(sorted(hit.places), hit.wanted, strict=True):
            if group[0] in CATALOGUE and word == words[place].shadow:
                continue  # aliases of the catalogue are partly written without marks
            most, forms = longest.get(place, (0, set()))
            if length > most:
                longest[place] = (length, {word})
            elif length == most:
                forms.add(word)
    for group, hits in found.items():
        found[group] = [hit for hit in hits if _stands(hit, words, longest, before, behind)]


def _stands(
    hit: Hit,
    words: tuple[Word, ...],
    longest: Mapping[int, tuple[int, set[str]]],
    before: Mapping[int, int],
    behind: Mapping[int, int],
) -> bool:
    for place, word in zip(sorted(hit.places) if len(hit.places) > 1 else hit.places, hit.wanted, strict=True):
        length, forms = longest.get(place, (0, ()))
        if length > len(hit.wanted) and word not in forms and words[place].toned == words[place].shadow:
            return False
    return not any(
        before.get(seam, hit.start) < hit.start and behind.get(seam, hit.end) > hit.end
        for seam in range(hit.start + 1, hit.end)
    )


def _walk(words: tuple[Word, ...], start: int, root: Node, found: dict[str, list[Hit]], marked: bool) -> None:
    node: Node | None = root
    places: list[int] = []
    at, skipped = start, 0
    while at < len(words) and node is not None:
        word = words[at]
        following = node.next.get(word.shadow)
        if following is None:
            if not places or not word.courtesy or skipped >= _MOST_SKIPS:
                return
            skipped += 1
            at += 1
            continue
        node, skipped = following, 0
        places.append(at)
        at += 1
        for group, wanted, exact in node.ends:
            quality = _quality(words, places, wanted, marked)
            if quality >= (_AS_WRITTEN if exact else WELL_ENOUGH if len(wanted) > 1 else _ONE_WORD):
                hits = found.setdefault(group, [])
                if len(hits) < 4 * _MOST_HITS:
                    hits.append(Hit(start, at, quality, frozenset(places), wanted))


def _is_marked(words: tuple[Word, ...]) -> bool:
    """Whether the message is typed with marks: then a word without any is more likely meant so."""
    typed = [word for word in words if word.made in ("", "keys") and word.shadow.isalpha()]
    return len(typed) > 1 and sum(word.toned != word.shadow for word in typed) * 3 >= len(typed)


def _quality(words: tuple[Word, ...], places: list[int], wanted: tuple[str, ...], marked: bool) -> float:
    total = 0.0
    for at, word in zip(places, wanted, strict=True):
        typed = words[at]
        like = likeness(typed.toned, word)
        if marked and like == PLAIN and not typed.made:
            like = _PLAIN_AMONG_MARKED
        elif like == OTHER_MARKS and len(wanted) < _OTHER_WORD_AMONG:
            return 0.0
        total += like * 0.8 if typed.made == "typo" else like
    return total / len(wanted)
