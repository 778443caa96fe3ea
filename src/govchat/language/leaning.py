"""Which meaning the words of a message lean to: every sentence whose meaning is known counted together, word by word.

Beside `nearest`, which asks the dozen sentences that are most alike, this asks all of them: how much more often than elsewhere does a word,
or a pair of words, stand in what means this? (A naive Bayes reading, smoothed towards how common the word is.) It is the witness that
contradicts a rule which fired on two words of a long story. Pure; built once from the rules' sentences and `examples.toml`.
"""

import math
from array import array
from collections.abc import Mapping, Sequence

import msgspec

from govchat.language.lexicon import SENSE
from govchat.language.nearest import CLARIFY, QUESTION, Examples, features
from govchat.language.normalise import Word

_SENSE = 0.6  # and a group of words
_BACKGROUND = 5.0  # words of the whole language that each meaning is mixed with
_PAIR = 0.6  # what a pair of words weighs beside a word: it repeats them
_PRIOR = 0.25  # how far the number of sentences speaks for a meaning
_COOL, _COOL_A_WORD = 2.5, 0.12  # neighbouring words say the same thing twice: longer messages are believed more slowly
_MOST_WORDS = 60
_LEAST = 0.02  # shares below this are left out
_WHOLE = 0.6  # the share of the words that must be known for the leaning to count in full


class Leaning(msgspec.Struct, frozen=True):
    """Shares from 0 to 1, together at most 1: of each intent, and of each procedure (or "clarify") among them."""

    intents: Mapping[str, float]
    procedures: Mapping[str, float]

    def without_procedures(self) -> "Leaning":
        """What is left where the message is about none of the catalogue's procedures."""
        return Leaning({intent: share for intent, share in self.intents.items() if intent != QUESTION}, {})


NONE = Leaning({}, {})


class Leanings:
    """What each word and pair of words says for each meaning."""

    __slots__ = ("_absent", "_meanings", "_present", "_priors")

    def __init__(self, examples: Examples) -> None:
        counts: dict[tuple[str, str], dict[str, int]] = {}
        said: dict[tuple[str, str], int] = {}
        everywhere: dict[str, int] = {}
        for one, own in zip(examples.sentences, examples.features, strict=True):
            meaning = (one.intent, one.procedure if one.intent == "procedure_info" else "")
            found = counts.setdefault(meaning, {})
            said[meaning] = said.get(meaning, 0) + 1
            for feature in own:
                found[feature] = found.get(feature, 0) + 1
                everywhere[feature] = everywhere.get(feature, 0) + 1
        total = sum(everywhere.values()) or 1
        self._meanings = tuple(counts)
        self._priors = array("d", (_PRIOR * math.log(said[meaning]) for meaning in counts))
        masses = [sum(found.values()) for found in counts.values()]
        self._absent = array("d", (math.log(_BACKGROUND / (mass + _BACKGROUND)) for mass in masses))
        weights = {feature: _weight(feature) for feature in everywhere}
        usual = {feature: times / total for feature, times in everywhere.items()}
        present: dict[str, tuple[list[int], list[float]]] = {feature: ([], []) for feature in everywhere}
        log = math.log
        for number, found in enumerate(counts.values()):
            mass, absent = masses[number] + _BACKGROUND, self._absent[number]
            for feature, times in found.items():
                often = usual[feature]
                places, gains = present[feature]
                places.append(number)
                gains.append(weights[feature] * (log((times + _BACKGROUND * often) / mass / often) - absent))
        self._present = present

    def of(self, words: Sequence[Word], senses: Sequence[str] = ()) -> Leaning:
        """What these words lean to; nothing for words that stand in no sentence."""
        asked = features(words[:_MOST_WORDS], senses)
        known = [feature for feature in asked if feature in self._present]
        single = sum(_is_word(feature) for feature in asked)
        heard = sum(_is_word(feature) for feature in known)
        if not heard:
            return NONE
        weight = sum(_weight(feature) for feature in known)
        scores = [prior + weight * absent for prior, absent in zip(self._priors, self._absent, strict=True)]
        for feature in known:
            for place, gain in zip(*self._present[feature]):  # noqa: B905 -- as long as each other, and this runs often
                scores[place] += gain
        return self._shares(scores, _COOL + _COOL_A_WORD * len(known), min(1.0, heard / single / _WHOLE))

    def _shares(self, scores: Sequence[float], coolness: float, believed: float) -> Leaning:
        best = max(scores)
        powers = [math.exp((score - best) / coolness) for score in scores]
        whole = sum(powers)
        intents: dict[str, float] = {}
        procedures: dict[str, float] = {}
        for (intent, procedure), power in zip(self._meanings, powers, strict=True):
            share = believed * power / whole
            if share >= _LEAST:
                intents[intent] = intents.get(intent, 0.0) + share
                if intent == QUESTION:
                    procedures[procedure or CLARIFY] = share
        return Leaning(intents, procedures)


def _is_word(feature: str) -> bool:
    return "_" not in feature and feature[0] != SENSE


def _weight(feature: str) -> float:
    return _SENSE if feature[0] == SENSE else _PAIR if "_" in feature else 1.0
