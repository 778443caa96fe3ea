"""Vietnamese text as people type it, brought to a form that can be compared.

`clean` takes what a phone sent and gives one line of NFC text; `toned` and `fold` make the two keys that rules match on, with
tones and without. All three take linear time on hostile input: combining marks are counted out before Unicode normalisation,
whose reordering of marks is quadratic.
"""

import re
import unicodedata

MESSAGE_LIMIT = 2000  # characters; Zalo itself sends no longer texts

# A Vietnamese vowel carries at most two marks (quality and tone); a third is kept for other scripts.
_MARKS_KEPT = 3

_DASHES = "\u02d7\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63"
_INVISIBLE = (
    (0x00, 0x08),
    (0x0E, 0x1B),
    (0x7F, 0x84),
    (0x86, 0x9F),
    (0xAD, 0xAD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),  # zero-width space and joiners, left-to-right and right-to-left marks
    (0x202A, 0x202E),  # embeddings and overrides of direction
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xD800, 0xDFFF),  # lone surrogates: no database and no UTF-8 encoder takes them
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE01EF),
)


def _lookalikes() -> dict[int, str | None]:
    table: dict[int, str | None] = {}
    for first, last in _INVISIBLE:
        table.update(dict.fromkeys(range(first, last + 1)))
    table.update({code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)})  # full-width ASCII
    table.update({ord(dash): "-" for dash in _DASHES})
    table.update({0x00D0: "Đ", 0x0189: "Đ", 0x00F0: "đ", 0x0256: "đ"})  # eth and African d, typed for đ
    table[0x0344] = "\u0308\u0301"  # the one mark that normalisation splits into two
    return table


_LOOKALIKES = _lookalikes()


def clean(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """One line of NFC text of at most `limit` characters, without look-alikes, invisible characters and floods of marks.

    Full-width forms become ASCII, every dash "-", every run of white space one blank. Applying it twice changes nothing.
    """
    text = text[: limit * 8]  # work is bounded before the first look at a character
    if not (text.isascii() and text.isprintable()):
        text = text.translate(_LOOKALIKES)
    if not text.isascii():
        text = _without_mark_floods(unicodedata.normalize("NFC", _without_mark_floods(text)))
    return " ".join(text.split())[:limit].rstrip()


def _without_mark_floods(text: str) -> str:
    combining = unicodedata.combining
    if not any(map(combining, text)):
        return text
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if combining(character) else 0
        if run <= _MARKS_KEPT:
            kept.append(character)
    return text if len(kept) == len(text) else "".join(kept)


def _bare(code: int) -> str:
    if code in (0x110, 0x111):
        return "d"
    letters = unicodedata.normalize("NFD", chr(code)).lower()
    return "".join(letter for letter in unicodedata.normalize("NFD", letters) if not unicodedata.combining(letter))


class _Bare(dict[int, str]):
    """Character → lower-case letters without marks; Latin is prepared, anything else is worked out when it comes."""

    def __missing__(self, code: int) -> str:
        return _bare(code)


_BARE = _Bare(
    {code: _bare(code) for span in (range(0x250), range(0x300, 0x370), range(0x1E00, 0x1F00)) for code in span}
)


def fold(text: str) -> str:
    """The shadow of `text`: lower case, without tones and other marks, đ as d (`Hoá đơn` → `hoa don`)."""
    return text.lower() if text.isascii() else text.translate(_BARE)


def _tone_places() -> dict[str, str]:
    places = {}
    for first, second in ("oa", "oe", "uy", "uơ"):
        for tone in "\u0300\u0301\u0303\u0309\u0323":
            old = unicodedata.normalize("NFC", first + tone) + second
            places[old] = first + unicodedata.normalize("NFC", second + tone)
    return places


_TONE_PLACES = _tone_places()
_MISPLACED_TONE = re.compile("|".join(_TONE_PLACES))


def toned(text: str) -> str:
    """`text` (as `clean` gives it) in lower case with its tones, put where the newer spelling puts them (`Hóa` → `hoá`).

    Both legal spellings of a syllable, hoá and hóa, thuỷ and thủy, therefore meet.
    """
    lowered = text.lower()
    return lowered if lowered.isascii() else _MISPLACED_TONE.sub(lambda found: _TONE_PLACES[found[0]], lowered)
