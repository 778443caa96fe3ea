"""Petition codes (mã phản ánh): `PA-K7PX2-M9QD4`, nine random letters and a check letter, read in any shape in which people copy them.

Thirty letters without those that look alike; nobody guesses one, and a mistyped one is told apart from an unknown one.
"""

import re
import secrets

LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKS_LIKE = str.maketrans({"0": "Q", "O": "Q", "1": "J", "I": "J", "L": "J", "U": "V"})
_SHAPE = re.compile(r"PA[\s\-.]*([0-9A-Z]{5})[\s\-.]*([0-9A-Z]{5})", re.IGNORECASE)
_IN_TEXT = re.compile(r"(?<![0-9A-Za-z])PA[\s\-.]{0,3}[0-9A-Za-z]{5}[\s\-.]{0,3}[0-9A-Za-z]{5}(?![0-9A-Za-z])", re.I)


def new() -> str:
    """A fresh code: 30⁹ possible ones, about 44 bits."""
    drawn = "".join(secrets.choice(LETTERS) for _ in range(9))
    return _written(drawn + _check(drawn))


def normalise(text: str) -> str | None:
    """The code as it is kept, None when the text is none or was mistyped."""
    found = _SHAPE.fullmatch(text.strip())
    if found is None:
        return None
    letters = (found[1] + found[2]).upper().translate(_LOOKS_LIKE)
    if set(letters) - set(LETTERS) or _check(letters[:9]) != letters[9]:
        return None
    return _written(letters)


def find(text: str) -> str | None:
    """The first sound code inside a sentence."""
    return next((code for found in _IN_TEXT.finditer(text) if (code := normalise(found[0]))), None)


def _check(letters: str) -> str:
    # Weights without a factor in common with 30: every single wrong letter shows.
    weights = (1, 7, 11, 13, 17, 19, 23, 29, 1)
    return LETTERS[sum(weight * LETTERS.index(letter) for weight, letter in zip(weights, letters, strict=True)) % 30]


def _written(letters: str) -> str:
    return f"PA-{letters[:5]}-{letters[5:]}"
