"""The names of all procedures, searched by words: rare words weigh more, words typed with the right marks more than their shadows.

One index is shared by every tenant with the same catalogue; built once from (code, name, field, aliases), some 5,600 in under a second.
"""

import heapq
import math
import sys
from array import array
from collections.abc import Iterable, Mapping
from itertools import pairwise
from types import MappingProxyType

import msgspec

from govchat.language.lexicon import Lexicon
from govchat.language.normalise import Word
from govchat.language.syllables import likeness, shadow, spelled

Entry = tuple[str, str, str, Iterable[str]]  # code, name, field, aliases

_MOST_POSTINGS = 2000  # places looked up for one message
_MOST_SCORED = 60
_NEAR_THE_BEST, _ROUNDING = 0.6, 1e-6
_MOST_WORDS_ASKED = 14
_MOST_RANKED = 12
_MOSTLY = 0.75
_LONGEST_ALIAS = 9  # words; a longer name is found word by word
ALIAS = "="  # before the code: the group of a procedure's aliases
OWN_ALIAS = "#"  # the same for the words of one tenant
_FULL = 3.0  # the score of a name all of whose words are said
_SAID_WHOLE, _LEAST_WHOLE = 4.5, 5  # the score of a name that stands in the message as it is; of so many words at least
_BOILERPLATE = ("thủ tục",)


class Named(msgspec.Struct, frozen=True, gc=False):
    """A procedure whose name answers to the words: score, share of the question covered, places of the words."""

    code: str
    score: float
    covered: float
    places: frozenset[int]


_Scored = tuple[
    float, str, float, list[int]
]  # the score below nothing, so that the best comes first; code, covered, places


class NameIndex:
    """Codes, names, and for each word the procedures that have it."""

    __slots__ = (
        "_beginnings",
        "_masses",
        "_postings",
        "_rarity",
        "_sequences",
        "_words",
        "by_code",
        "codes",
        "fields",
        "lexicon",
        "names",
    )

    def __init__(self, entries: Iterable[Entry], short: Mapping[str, Iterable[str]] = MappingProxyType({})) -> None:
        """`short`: short forms and the words they stand for, as messages are read: a name has "BHYT" where a message has its words."""
        self.codes: list[str] = []
        self.names: list[str] = []
        self.fields: list[str] = []
        self.by_code: dict[str, int] = {}
        self.lexicon = Lexicon()
        self._words: list[dict[str, str]] = []
        self._sequences: list[tuple[str, ...]] = []
        self._beginnings: dict[tuple[str, ...], array[int]] = {}
        self._postings: dict[str, array[int]] = {}
        for code, name, field, aliases in entries:
            if code in self.by_code:
                continue
            number = self.by_code[code] = len(self.codes)
            self.codes.append(code)
            self.names.append(name)
            self.fields.append(field)
            self._add_words(number, name, short)
            for alias in (*_short(name), *aliases):
                self.lexicon.add(ALIAS + code, alias)
        total = len(self.codes) + 1
        self._rarity = {word: math.log(1 + total / (1 + len(found))) for word, found in self._postings.items()}
        self._masses = array("f", (sum(self._rarity[word] for word in words) for words in self._words))

    def _add_words(self, number: int, name: str, short: Mapping[str, Iterable[str]]) -> None:
        words: dict[str, str] = {}
        sequence: list[str] = []
        for token in _tokens(name):
            word = spelled(token)
            plain = sys.intern(shadow(word))
            words.setdefault(plain, word)
            # as a message's words are read: "III" is one letter drawn out
            if word in short:
                sequence += (sys.intern(shadow(spelled(each))) for each in short[word])
            else:
                sequence.append(plain[0] if len(plain) > 2 and len(set(plain)) == 1 else plain)
        self._sequences.append(tuple(sequence))
        if len(sequence) >= _LEAST_WHOLE:
            self._beginnings.setdefault(tuple(sequence[:_LEAST_WHOLE]), array("H")).append(number)
        for plain, word in words.items():
            self._postings.setdefault(plain, array("H")).append(number)
            self.lexicon.vocabulary.add(plain)
            self.lexicon.known.add(word)
        self._words.append(words)

    def __len__(self) -> int:
        return len(self.codes)

    def name(self, code: str) -> str:
        """The name of a procedure, empty when it is not in this catalogue."""
        number = self.by_code.get(code)
        return self.names[number] if number is not None else ""

    def search(self, words: tuple[Word, ...], fillers: frozenset[str], most: int = 5) -> list[Named]:
        """The procedures whose names say what the words say, best first; words in `fillers` (shadows) ask for nothing."""
        asked: dict[str, tuple[str, int]] = {}
        for at, word in enumerate(words):
            if not word.courtesy and word.shadow not in fillers and word.shadow[0] != "<" and not word.shadow.isdigit():
                asked.setdefault(word.shadow, (word.toned, at))
        rarest = sorted(asked, key=lambda word: -self._rarity.get(word, 9.0))[:_MOST_WORDS_ASKED]
        known = [word for word in rarest if word in self._postings]
        if len(known) < 2:
            return []
        whole = sum(self._rarity.get(word, 6.0) for word in rarest)
        scored = [
            scored
            for number in self._candidates(known)
            if (scored := self._score(number, known, asked, whole)) is not None
        ]
        scored.sort()
        ranked = [self._in_order(scored, words) for scored in scored[:_MOST_RANKED]]
        return sorted(ranked, key=lambda named: (-named.score, named.code))[:most]

    def said(self, words: tuple[Word, ...]) -> list[Named]:
        """The procedures whose whole name stands in the words, word by word; the longest, where one name has another inside."""
        plain = [word.shadow for word in words]
        found: list[tuple[int, int, int]] = []
        for at in range(len(plain) - _LEAST_WHOLE + 1):
            for number in self._beginnings.get(tuple(plain[at : at + _LEAST_WHOLE]), ()):
                name = self._sequences[number]
                if tuple(plain[at : at + len(name)]) == name:
                    found.append((at, at + len(name), number))
        return [
            Named(self.codes[number], _SAID_WHOLE, 1.0, frozenset(range(start, end)))
            for start, end, number in found
            if not any(one <= start and end <= two and two - one > end - start for one, two, _ in found)
        ]

    def _in_order(self, scored: _Scored, words: tuple[Word, ...]) -> Named:
        """Words that stand together in the message should stand together in the name."""
        behind, code, covered, found = scored
        pairs = set(pairwise(self._sequences[self.by_code[code]]))
        places = sorted(found)
        together = [(one, two) for one, two in pairwise(places) if two == one + 1]
        kept = sum((words[one].shadow, words[two].shadow) in pairs for one, two in together)
        order = kept / (len(places) - 1)
        return Named(code, -behind * (0.55 + 0.45 * order), covered, frozenset(found))

    def _candidates(self, known: list[str]) -> list[int]:
        """The procedures that have most of the rare words; common words are left to the scoring of these few."""
        masses: dict[int, float] = {}
        budget = _MOST_POSTINGS
        all_words = left = sum(self._rarity[word] for word in known)
        late = False
        for word in known:
            found = self._postings[word]
            rarity = self._rarity[word]
            if masses and not late and left < (all_words - left) * _NEAR_THE_BEST:
                late = left < max(masses.values()) * _NEAR_THE_BEST - _ROUNDING
            left -= rarity
            if masses and len(found) > budget:
                continue
            budget -= len(found)
            if not masses:
                masses = dict.fromkeys(found, rarity)
            elif late:  # who has none of the words so far can't come near the best any more
                for number in masses.keys() & found:
                    masses[number] += rarity
            else:
                for number in found:
                    masses[number] = masses.get(number, 0.0) + rarity
        enough = max(masses.values(), default=0.0) * _NEAR_THE_BEST
        near = [number for number, mass in masses.items() if mass >= enough]
        if len(near) > _MOST_SCORED:
            near = heapq.nsmallest(_MOST_SCORED, near, key=lambda number: (-masses[number], self._masses[number]))
        return near

    def _score(
        self, number: int, known: list[str], asked: Mapping[str, tuple[str, int]], whole: float
    ) -> _Scored | None:
        words = self._words[number]
        mass, places = 0.0, []
        for word in known:
            wanted = words.get(word)
            if wanted is not None:
                typed, at = asked[word]
                like = 1.0 if typed == wanted else likeness(typed, wanted)
                if like >= 0.7:
                    mass += like * self._rarity[word]
                    places.append(at)
        if len(places) < 2:
            return None
        covered = mass / whole
        said = mass / self._masses[number]
        score = (_FULL if covered > _MOSTLY else _FULL * 0.7) * covered**2 * (0.35 + 0.65 * math.sqrt(min(1.0, said)))
        score *= min(1.0, 0.4 + 0.15 * len(places))  # two words in common are little
        return -score, self.codes[number], covered, places


def alias_code(group: str) -> str:
    """The procedure that a group of aliases stands for, empty for any other group."""
    return group[1:] if group[0] in (ALIAS, OWN_ALIAS) else ""


def _tokens(name: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in name.lower()).split()


def _short(name: str) -> tuple[str, ...]:
    lowered = name.lower().removeprefix("thủ tục ").split("(")[0].strip(" .")
    words = "".join(letter if letter.isalnum() else " " for letter in lowered).split()
    return (" ".join(words),) if 2 <= len(words) <= _LONGEST_ALIAS else ()
