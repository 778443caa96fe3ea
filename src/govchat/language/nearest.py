"""What a message resembles: the nearest of all sentences whose meaning is known, as one more witness beside the rules.

The sentences are those of the rule files and of `examples.toml`. Words and pairs of words are compared by shadow, rare ones weighing more;
the nearest dozen vote. The sentence that speaks loudest is named in the explanation.
"""

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec

from govchat.language.lexicon import SENSE
from govchat.language.normalise import Word
from govchat.language.syllables import likeness

CLARIFY, QUESTION = "clarify", "procedure_info"
_VOTERS = 12
_SENSE = 0.6  # and a group of words beside its words
_PAIR = 0.8  # what a pair of words weighs beside a word
_SAME_WORD = 0.7  # marks that were typed must agree this well
_UNKNOWN = 1.0  # what a word in no sentence weighs, of the rarest
_MOST_WORDS = 40
_WORDS_IN_COMMON, _FEW_WORDS = 2, 3  # a sentence must share so many words; where so few were said,
_NEARLY_ALL = 0.75  # it must be nearly the same
_MOST_POSTINGS, _MOST_WEIGHED = 300, 48  # sentences looked up for one message, rare words first; and weighed in full


class Example(msgspec.Struct, frozen=True, gc=False):
    """A sentence and what it means; `procedure` is a code, "clarify" when it must be asked about, or empty."""

    text: str
    intent: str
    procedure: str
    words: tuple[Word, ...]
    senses: tuple[str, ...] = ()


class Resemblance(msgspec.Struct, frozen=True):
    """How far the nearest sentences speak for each intent and each procedure, 0 to 1; `like` is the nearest, `closeness` how near."""

    intents: Mapping[str, float]
    procedures: Mapping[str, float]
    like: str = ""
    closeness: float = 0.0

    def without_procedures(self) -> "Resemblance":
        """What is left where the message is about none of the catalogue's procedures."""
        others = {intent: support for intent, support in self.intents.items() if intent != QUESTION}
        return Resemblance(others, {}, self.like, self.closeness)


NOTHING = Resemblance({}, {})


class Examples:
    """All sentences, indexed by their words and pairs of words; `features` are those of each."""

    __slots__ = ("_norms", "_postings", "_rarest", "_sets", "_weights", "features", "sentences")

    def __init__(self, sentences: Iterable[Example]) -> None:
        self.sentences = tuple(sentences)
        self._postings: dict[str, array[int]] = {}
        self._sets: dict[str, frozenset[int]] = {}  # the same for features that were asked for
        self.features = [features(one.words, one.senses) for one in self.sentences]
        for number, found in enumerate(self.features):
            for feature in found:
                self._postings.setdefault(feature, array("H")).append(number)
        total = len(self.sentences)
        self._rarest = math.log(1 + total)
        self._weights = {
            feature: (math.log(1 + total / (1 + len(places))) * _weight(feature)) ** 2
            for feature, places in self._postings.items()
        }
        self._norms = array(
            "f", (math.sqrt(sum(self._weights[one] for one in found)) or 1.0 for found in self.features)
        )

    def nearest(self, words: Sequence[Word], senses: Sequence[str] = ()) -> Resemblance:
        """The vote of the sentences nearest to these words; work is bounded whatever the words."""
        asked = features(words[:_MOST_WORDS], senses)
        if not asked:
            return NOTHING
        unknown = (self._rarest * _UNKNOWN) ** 2
        whole = 0.0
        for feature in asked:
            whole += self._weights.get(feature) or unknown * _weight(feature) ** 2
        near, shared = self._near(asked)
        length = math.sqrt(whole)
        few = sum("_" not in feature and feature[0] != SENSE for feature in asked) < _FEW_WORDS
        votes = sorted(
            (
                (closeness, -number)
                for number, mass in near.items()
                if (closeness := mass / (length * self._norms[number])) >= _NEARLY_ALL
                or (not few and shared[number] >= _WORDS_IN_COMMON)
            ),
            reverse=True,
        )[:_VOTERS]
        if not votes:
            return NOTHING
        intents: dict[str, float] = {}
        procedures: dict[str, float] = {}
        for closeness, number in votes:
            one = self.sentences[-number]
            weight = closeness**3
            intents[one.intent] = intents.get(one.intent, 0.0) + weight
            procedures[one.procedure] = procedures.get(one.procedure, 0.0) + weight
        best, number = votes[0]
        total = sum(intents.values())
        strength = math.sqrt(best)
        return Resemblance(
            {intent: vote / total * strength for intent, vote in intents.items()},
            {code: vote / total * strength for code, vote in procedures.items() if code},
            self.sentences[-number].text,
            best,
        )

    def _near(self, asked: Mapping[str, str]) -> tuple[dict[int, float], dict[int, int]]:
        """For each sentence what it has in common with the message, and how many words.

        Rare words choose the sentences, until enough were looked up; the common ones are only looked for in those.
        """
        near: dict[int, float] = {}
        known = sorted((one for one in asked if one in self._postings), key=lambda one: len(self._postings[one]))
        budget, counted = _MOST_POSTINGS, 0
        while counted < len(known) and budget >= 0:
            found, weight = self._postings[known[counted]], self._weights[known[counted]]
            if near:
                for number in found:
                    near[number] = near.get(number, 0.0) + weight
            else:
                near = dict.fromkeys(found, weight)
            budget -= len(found)
            counted += 1
        chosen = sorted(near, key=near.__getitem__, reverse=True)[:_MOST_WEIGHED]
        return self._weighed({number: near[number] for number in chosen}, known[:counted], known[counted:], asked)

    def _places(self, feature: str) -> frozenset[int]:
        found = self._sets.get(feature)
        if found is None:
            found = self._sets[feature] = frozenset(self._postings[feature])
        return found

    def _weighed(
        self, near: Mapping[int, float], counted: Sequence[str], rest: Sequence[str], asked: Mapping[str, str]
    ) -> tuple[dict[int, float], dict[int, int]]:
        """Add the words not counted yet, take away those typed with other marks."""
        weighed, shared, chosen = dict(near), dict.fromkeys(near, 0), frozenset(near)
        for one in counted:
            typed, weight, is_word = asked[one], self._weights[one], _is_word(one)
            marked = bool(typed) and typed != one
            for number in chosen & self._places(one) if is_word or marked else ():
                if marked and not _agrees(typed, self.features[number][one]):
                    weighed[number] -= weight
                    shared[number] += is_word - 1
                else:
                    shared[number] += is_word
        for one in rest:
            typed, weight, is_word = asked[one], self._weights[one], _is_word(one)
            there = chosen & self._places(one)
            if typed and typed != one:  # what was typed without marks agrees with any
                there = frozenset(number for number in there if _agrees(typed, self.features[number][one]))
            for number in there:
                weighed[number] += weight
                shared[number] += is_word
        return weighed, shared


def _is_word(feature: str) -> bool:
    return "_" not in feature and feature[0] != SENSE and not feature.isdigit()


def _weight(feature: str) -> float:
    return _SENSE if feature[0] == SENSE else _PAIR if "_" in feature else 1.0


def _agrees(typed: str, wanted: str) -> bool:
    return typed == wanted or likeness(typed, wanted) >= _SAME_WORD


def features(words: Sequence[Word], senses: Sequence[str] = ()) -> dict[str, str]:
    """Words by shadow with how they were typed, pairs of neighbours, and groups; courtesies only when nothing else was said."""
    said = [word for word in words if not word.courtesy] or list(words)
    found = {word.shadow: word.toned for word in reversed(said)}
    found.update(("_".join((one.shadow, two.shadow)), "") for one, two in pairwise(said))
    found.update(dict.fromkeys(senses, ""))
    return found
