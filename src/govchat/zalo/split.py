"""Cuts a long text into messages that Zalo accepts: at a paragraph, else after a sentence, else between words.

A character as a person sees it (a letter with its marks, a flag, a joined emoji) is never cut in two.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

TEXT_LIMIT = 2000  # Zalo counts characters after NFC

# After these a full stop does not end a sentence. Compared in lower case with the last word before the stop.
_SHORT = """
tp tx tt ub ubnd ubmttq hđnd đ/c đc d/c đt sđt tel fax ths ts tskh pgs gs bs ks kts cn gv nxb tr vd stt mr mrs ms dr
"""
ABBREVIATIONS = frozenset(_SHORT.split())

Span = tuple[int, int]  # where a part ends, where the next begins

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all of Unicode's Cc but tab and line end
_BLANK = r"[^\S\u00a0\u202f\u2007\n]"  # a blank at which a line may break: the no-break spaces are none
_PARAGRAPH = re.compile(r"[^\S\n]*\n[^\S\n]*\n\s*")
_LINE = re.compile(r"[^\S\n]*\n\s*")
_SENTENCE = re.compile(rf"[.!?…]+[\"'”’»)\]]*(?P<gap>{_BLANK}+)")
_CLAUSE = re.compile(rf"[,;:–—](?P<gap>{_BLANK}+)")
_WORD = re.compile(rf"(?P<gap>(?:{_BLANK}|\n)+)")
_LAST_WORD = re.compile(r"[\w/]+$")
_LIST_MARK = re.compile(r"(?:^|[.!?…;:]\s)\s*(?:\d{1,3}|[ivxIVX]{1,5})$", re.MULTILINE)
_NUMBERED = re.compile(r"\b(?:điều|khoản|mục|chương|phần|bước|câu|số|bài|lục)\s+[\divxlc]{1,5}$", re.IGNORECASE)


def tidy(text: str) -> str:
    """`text` as Zalo should get it: NFC, line ends as `\\n`, without other control characters and outer blanks."""
    lines = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _CONTROL.sub("", lines).strip()


def split(text: str, limit: int = TEXT_LIMIT) -> list[str]:
    """`text`, made tidy, in parts of at most `limit` characters, in order, without the blanks at the cuts; none is empty.

    A sentence is cut only when it is longer than `limit` by itself, a word likewise, and a visible character only when its
    marks alone exceed `limit`. Raises `ValueError` for a limit below 1.
    """
    if limit < 1:
        raise ValueError(f"limit {limit}: expected at least 1")
    rest = tidy(text)
    parts: list[str] = []
    while len(rest) > limit:
        end, start = _cut(rest, limit)
        parts.append(rest[:end].rstrip())
        rest = rest[start:].lstrip()
    return [part for part in (*parts, rest) if part]


def _cut(text: str, limit: int) -> Span:
    window = text[: limit + 2]  # so that a gap which begins right at the limit is seen
    paragraph = _last_fit(text, _gaps(_PARAGRAPH, window), limit)
    if paragraph and paragraph[0] * 2 >= limit:
        return paragraph
    line, sentence = _last_fit(text, _gaps(_LINE, window), limit), _last_fit(text, _sentence_gaps(window), limit)
    if ends := [span for span in (paragraph, line, sentence) if span]:
        return max(ends)
    clause = _last_fit(text, _gaps(_CLAUSE, window), limit)
    if clause and clause[0] * 2 >= limit:
        return clause
    if word := _last_fit(text, _gaps(_WORD, window), limit):
        return word
    edge = _grapheme_edge(text, limit)
    return edge, edge


def _gaps(pattern: re.Pattern[str], window: str) -> Iterator[Span]:
    group = "gap" if "gap" in pattern.groupindex else 0
    return (found.span(group) for found in pattern.finditer(window))


def _sentence_gaps(window: str) -> Iterator[Span]:
    for found in _SENTENCE.finditer(window):
        if not (window[found.start()] == "." and _is_abbreviation(window, found.start())):
            yield found.span("gap")


def _last_fit(text: str, spans: Iterable[Span], limit: int) -> Span | None:
    """The last span that ends a part within `limit` and does not tear a mark from its letter."""
    best = None
    for end, start in spans:
        if end > limit:
            break
        if end > 0 and not _joined(text, _after_blanks(text, start)):
            best = (end, start)
    return best


def _after_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _is_abbreviation(text: str, stop: int) -> bool:
    """Whether the full stop at `stop` belongs to the word before it: TP., UBND., an initial, the number of a list item."""
    last = _LAST_WORD.search(text, max(0, stop - 20), stop)
    if last is None:
        return False
    word = last[0].lower()
    if word in ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
        return True
    if _LIST_MARK.search(text, max(0, stop - 12), stop):
        return True
    return _NUMBERED.search(text, max(0, stop - 24), stop) is not None


def _grapheme_edge(text: str, limit: int) -> int:
    """The last place at or before `limit` that is not inside a visible character; `limit` itself when there is none."""
    edge = limit
    while edge > 0 and _joined(text, edge):
        edge -= 1
    return edge or limit


def _joined(text: str, at: int) -> bool:
    """Whether the characters on both sides of `at` are drawn as one."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if after in "\u200d\ufe0e\ufe0f" or before == "\u200d" or unicodedata.category(after) in ("Mn", "Me", "Mc"):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":  # skin tones; flags of regions
        return True
    if _is_flag_half(after) and _is_flag_half(before):
        run = at
        while run > 0 and _is_flag_half(text[run - 1]):
            run -= 1
        return (at - run) % 2 == 1
    return "\u1160" <= after <= "\u11ff"  # vowels and finals of Hangul written in pieces


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
