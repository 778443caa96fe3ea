"""Keystrokes that were never turned into letters: raw Telex (`ddawng kys`) and raw VNI (`cu71u ho62`).

`decode` gives the word that a keystroke sequence would have made; `normalise` decides whether a message is written in them.
"""

import re
import unicodedata

from govchat.language.syllables import is_syllable, shadow, spelled

_VOWELS = "aeiouy"
_TELEX_TONES = {"s": "\u0301", "f": "\u0300", "r": "\u0309", "x": "\u0303", "j": "\u0323"}
_VNI_TONES = {"1": "\u0301", "2": "\u0300", "3": "\u0309", "4": "\u0303", "5": "\u0323"}
_HAT, _HORN, _BREVE = "\u0302", "\u031b", "\u0306"
_LONGEST = 10  # keystrokes of one syllable: nghieengx
_TELEX = re.compile(r"[a-z]+")
_VNI = re.compile(r"[a-z]+[0-9][a-z0-9]*")


def decode(word: str) -> str | None:
    """The Vietnamese word that `word`, in lower case, is the keystrokes of; None when it is none."""
    if len(word) > _LONGEST:
        return None
    if _TELEX.fullmatch(word):
        return _word(*_telex(word))
    if _VNI.fullmatch(word):
        return _word(*_vni(word))
    return None


def _telex(word: str) -> tuple[list[str], list[str], str]:
    letters: list[str] = []
    qualities: list[str] = []
    tone = ""
    for key in word:
        vowels = [at for at, letter in enumerate(letters) if letter in _VOWELS]
        if key == "w":
            _horn(letters, qualities)
        elif key in _TELEX_TONES and vowels:
            tone = _TELEX_TONES[key]
        elif key == "d" and "d" in letters and not qualities[letters.index("d")]:
            qualities[letters.index("d")] = "đ"
        elif key in "aeo" and key in letters and not qualities[_last(letters, key)]:
            qualities[_last(letters, key)] = _HAT
        else:
            letters.append(key)
            qualities.append("")
    return letters, qualities, tone


def _vni(word: str) -> tuple[list[str], list[str], str]:
    letters: list[str] = []
    qualities: list[str] = []
    tone = ""
    for key in word:
        if key in _VNI_TONES:
            tone = _VNI_TONES[key]
        elif key == "9" and "d" in letters:
            qualities[letters.index("d")] = "đ"
        elif key == "6":
            for at in reversed(range(len(letters))):
                if letters[at] in "aeo":
                    qualities[at] = _HAT
                    break
        elif key == "7":
            _horn(letters, qualities)
        elif key == "8" and "a" in letters:
            qualities[_last(letters, "a")] = _BREVE
        elif key.isdigit():
            return [], [], ""
        else:
            letters.append(key)
            qualities.append("")
    return letters, qualities, tone


def _last(letters: list[str], letter: str) -> int:
    return len(letters) - 1 - letters[::-1].index(letter)


def _horn(letters: list[str], qualities: list[str]) -> None:
    """`w` or `7`: ươ for uo, else ơ or ư, else ă; alone it is ư."""
    for at in reversed(range(len(letters))):
        if letters[at] in "uo":
            if letters[at] == "o" and at and letters[at - 1] == "u" and not qualities[at - 1]:
                qualities[at - 1] = _HORN
            qualities[at] = _HORN
            return
    if "a" in letters:
        qualities[_last(letters, "a")] = _BREVE
        return
    letters.append("u")
    qualities.append(_HORN)


def _word(letters: list[str], qualities: list[str], tone: str) -> str | None:
    bare = "".join(letters)
    if not (tone or any(qualities)) or not is_syllable(bare):
        return None
    made = ["đ" if quality == "đ" else letter + quality for letter, quality in zip(letters, qualities, strict=True)]
    if tone:
        made[_tone_place(letters, qualities)] += tone
    word = spelled(unicodedata.normalize("NFC", "".join(made)))
    return word if shadow(word) == shadow(spelled(bare)) else None


def _tone_place(letters: list[str], qualities: list[str]) -> int:
    """Where the tone stands: on the vowel with a mark, else before a final consonant, else on the first of two."""
    start = 2 if "".join(letters[:2]) in ("qu", "gi") and any(letter in _VOWELS for letter in letters[2:]) else 0
    vowels = [at for at in range(start, len(letters)) if letters[at] in _VOWELS] or [
        at for at, letter in enumerate(letters) if letter in _VOWELS
    ]
    marked = [at for at in vowels if qualities[at] and qualities[at] != "đ"]
    if marked:
        return marked[-1]
    closed = vowels[-1] < len(letters) - 1
    pair = "".join(letters[at] for at in vowels)
    if len(vowels) > 1 and (closed or pair in ("oa", "oe", "uy")):
        return vowels[1]
    return vowels[0] if len(vowels) < 3 else vowels[1]
