"""Slips of the finger: a word that fits nowhere is replaced by one that differs in a single letter and fits its neighbours.

Asked only when a message was hardly understood. Neighbours are pairs of words of the rules, names and aliases.
"""

from functools import lru_cache

from govchat.language.book import Book
from govchat.language.normalise import Word

_SHORTEST = 3
_MOST_MENDED = 4
_MOST_LOOKED_AT = 40


def mend(words: tuple[Word, ...], book: Book) -> tuple[Word, ...] | None:
    """The words with slips mended, None when there are none; at most four words, looking at the first forty."""
    mended = list(words)
    changed = 0
    for at, word in enumerate(words[:_MOST_LOOKED_AT]):
        if changed >= _MOST_MENDED or len(word.shadow) < _SHORTEST or not word.shadow.isalpha() or word.made:
            continue
        before = mended[at - 1].shadow if at else ""
        after = words[at + 1].shadow if at + 1 < len(words) else ""
        if (before, word.shadow) in book.pairs or (word.shadow, after) in book.pairs:
            continue
        # a word of the vocabulary may well be meant ("khen" is no slip for "hẹn"): it gives way only to one that fits both neighbours
        enough = 2 if word.shadow in book.vocabulary else 1
        better = [
            other
            for other in _one_letter_off(word.shadow)
            if other in book.vocabulary and _fits(before, other, after, book)[0] >= enough
        ]
        best = max(better, key=lambda other: _fits(before, other, after, book), default=None)
        if best is not None:
            mended[at] = Word(best, best, False, word.after_break, "typo")
            changed += 1
    return tuple(mended) if changed else None


def _fits(before: str, word: str, after: str, book: Book) -> tuple[int, str]:
    return ((before, word) in book.pairs) + ((word, after) in book.pairs), word


@lru_cache(maxsize=2_000)
def _one_letter_off(word: str) -> tuple[str, ...]:
    """Every string one deletion, exchange of neighbours, replacement or insertion away."""
    if len(word) > 12:
        return ()
    letters = "abcdeghiklmnopqrstuvxy"
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    found = {left + right[1:] for left, right in cuts if right}
    found |= {left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1}
    found |= {left + letter + right[1:] for left, right in cuts if right for letter in letters}
    found |= {left + letter + right for left, right in cuts for letter in letters}
    found.discard(word)
    return tuple(sorted(found))
