"""A name and a commune within a citizen's own words, so that nobody is asked for what they have said. Pure.

Careful rather than clever: only what is written as a name, with capitals, is taken; everything else is asked for.
"""

import re
from itertools import takewhile

from govchat.kit.text import clean, fold

_WORD = re.compile(r"[^\W\d_]+")
_PRESENTS = re.compile(
    r"\b(?:[Tt]ôi|[Ee]m|[Cc]háu|[Cc]on|[Mm]ình)\s+(?:tên\s+là|tên|là)\s+|\b[Tt]ên\s+(?:tôi|em|cháu|con|mình)\s+là\s+|\b[Hh]ọ\s+(?:và\s+)?tên\s*:?\s*"
)
_UNIT_IN = re.compile(r"\b([Xx]ã|[Pp]hường|[Đđ]ặc khu|[Tt]hị trấn)\s+(?=\S)")
_LED_IN = re.compile(
    r"^(?:(?:dạ|vâng|thưa)[\s,]+)*(?:(?:tôi|em|cháu|con|mình)\s+)?(?:(?:họ\s+)?(?:và\s+)?tên\s*(?:(?:của\s+)?(?:tôi|em|cháu|con|mình)\s+)?(?:là|:)?\s+|là\s+)?",
    re.IGNORECASE,
)
_LED_IN_PLACE = re.compile(
    r"^(?:(?:dạ|vâng)[\s,]+)*(?:(?:việc này|chỗ này|nó|tôi|em|cháu|con|mình|bên em|bên tôi)\s+)?(?:(?:ở|tại|thuộc|là)\s+)?",
    re.IGNORECASE,
)
_UNIT = re.compile(r"^(?:xã|xa|phường|phuong|p\.?|x\.?|đặc khu|dac khu|thị trấn|thi tran|tt\.?)\s+\S", re.IGNORECASE)
_UNIT_SAID = re.compile(r"\b(xã|xa|phường|phuong|đặc khu|dac khu|thị trấn|thi tran)\s+(\S.*)", re.IGNORECASE)
_NO_PLACE = frozenset(
    re.findall(
        r"\w+",
        "nao khac hoi minh em toi nay do kia co duoc khong ko gan canh tu vao o tai doan duong hem so nha bi va la rat ngay a nhe nha oi",
    )
)
_UNNAMED = re.compile(
    r"\b(?:khong|ko|dung|xin dung|khoi) (?:muon )?(?:neu|noi|lo|de lo|tiet lo|ghi|cho biet) (?:ten|danh tinh|ho ten)\b|\ban danh\b|"
    r"\bgiau ten\b|\bgiu (?:kin|bi mat) (?:ten|danh tinh|ho ten)\b"
)
_LED_OUT = re.compile(r"(?:[\s,]+(?:ạ|nhé|nha|đó|thưa))+[\s.!]*$", re.IGNORECASE)
# What a sentence begins with that is no name.
_NO_NAME = frozenset(
    [
        "khong",
        "bo",
        "thoi",
        "xong",
        "khoi",
        "ko",
        "chua",
        "de",
        "cho",
        "sao",
        "tai",
        "vi",
        "ai",
        "o",
        "xa",
        "phuong",
        "thi",
        "la",
        "ho",
        "can",
        "nhung",
        "da",
    ]
)
_MOST_WORDS = 7
_MOST_OF_A_COMMUNE = 4


def name_in(text: str) -> str | None:
    """The name by which somebody introduces themselves in a longer text."""
    said = clean(text, 4000)
    for found in _PRESENTS.finditer(said):
        words = _capitals(said[found.end() :])[:5]
        if len(words) >= 2:
            return " ".join(words)
    return None


def commune_in(text: str) -> str | None:
    """The commune, ward or special zone that a longer text names; the first where there are several."""
    said = clean(text, 4000)
    for found in _UNIT_IN.finditer(said):
        rest = said[found.end() :]
        number = re.match(r"\d{1,2}(?!\w)", rest)
        words = [number[0]] if number else _capitals(rest)[:_MOST_OF_A_COMMUNE]
        if words:
            return f"{found[1].lower()} {' '.join(words)}"
    return None


def commune_said(text: str) -> str | None:
    """The commune that a short message names, also without capitals and marks: "o ap 3 xa xuan loc"."""
    found = _UNIT_SAID.search(clean(text, 400))
    if found is None:
        return None
    words = []
    for word in re.split(r"[,.;:!?()\n]", found[2], maxsplit=1)[0].split()[:_MOST_OF_A_COMMUNE]:
        if fold(word) in _NO_PLACE:
            break
        words.append(word)
    return f"{found[1].lower()} {' '.join(words)}" if words else None


def wants_no_name(text: str) -> bool:
    """Whether somebody asks not to be named."""
    return bool(_UNNAMED.search(fold(clean(text, 4000))))


def name_of(answer: str) -> str | None:
    """The name that somebody gives when they are asked for it; None when the answer is none."""
    said = _LED_OUT.sub("", _LED_IN.sub("", clean(answer, 200))).strip(" .,!")
    words = said.split()
    if not 2 <= len(words) <= _MOST_WORDS or not all(re.fullmatch(r"[^\W\d_]+[.']?", word) for word in words):
        return None
    if fold(words[0]) in _NO_NAME:
        return None
    if said.islower() or said.isupper():
        return said.title()
    return said if all(word[0].isupper() for word in words) else None


def commune_of(answer: str) -> str | None:
    """The commune that somebody gives when they are asked for it; None for what is no name of a place."""
    said = _LED_OUT.sub("", _LED_IN_PLACE.sub("", clean(answer, 200))).strip(" .,!")
    words = said.split()
    if not 1 <= len(words) <= _MOST_WORDS + 3 or "?" in answer or not any(map(str.isalpha, said)):
        return None
    return said if len(words) <= _MOST_OF_A_COMMUNE or _UNIT.match(said) else None


def _capitals(text: str) -> list[str]:
    """The words at the beginning that are written with a capital; the name ends with its sentence."""
    first = re.split(r"[,.;:!?()\n]", text, maxsplit=1)[0]
    return list(takewhile(lambda word: bool(_WORD.fullmatch(word)) and word[0].isupper(), first.split()))
