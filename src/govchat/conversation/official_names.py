"""Procedures whose official names are complaints, denunciations and disputes, asked about by that name.

"giải quyết khiếu nại lần đầu tại cấp xã mất bao lâu" asks about a procedure; "tôi muốn khiếu nại ông chủ tịch xã" wants to complain and is
guided by law. The difference: the words of the first are those of a name, and next to none besides. Feeds `step`.
"""

import re
from functools import lru_cache

import msgspec

from govchat.conversation.rulebook import rulebook, shipped_courtesies
from govchat.conversation.understand import Meaning
from govchat.kit.text import fold
from govchat.language.book import Book
from govchat.language.names import NameIndex
from govchat.language.read import Candidate

_ABOUT = re.compile(r"\b(?:khieu nai|to cao|tranh chap)\b")
# How an office calls it, and nobody who has something to complain of.
_OFFICIAL = re.compile(
    r"\b(?:giai quyet (?:don )?(?:khieu nai|to cao|tranh chap)|hoa giai tranh chap|"
    r"(?:thu tuc|tthc) (?:khieu nai|to cao) lan (?:dau|hai))\b"
)
_SPELLED = (
    (re.compile(r"\bubnd\b"), "uy ban nhan dan"),
    (re.compile(r"\blan 1\b"), "lan dau"),
    (re.compile(r"\blan 2\b"), "lan hai"),
)
_FILLERS = frozenset(
    (
        "thu",
        "tuc",
        "tthc",
        "thuoc",
        "tham",
        "quyen",
        "cua",
        "ve",
        "viec",
        "don",
        "cho",
        "hoi",
        "em",
        "minh",
        "toi",
        "tai",
        "o",
        "cap",
        "giai",
        "quyet",
    )
)
_LONGEST = 30  # words
_MOST = 4


def asked_by_name(meaning: Meaning, text: str, book: Book) -> Meaning | None:
    """The meaning as a question about that procedure; None where somebody complains, or where nothing is called so."""
    said = _plain(text)
    words = said.split()
    if len(words) > _LONGEST or not _OFFICIAL.search(said):
        return None
    wanted = {word for word in words if word not in _FILLERS and word not in _asking()}
    places = {
        word for word in ("xa", "tinh", "bo") if word in words
    }  # words of questions, but here they say at which level
    found = []
    for code, name, have in _named(book.names):
        missing = (wanted | places) - have
        if not missing:
            found.append((len(have - wanted - places - _FILLERS), code, name))
    if not found:
        return None
    found.sort()
    best = [one for one in found if one[0] == found[0][0]] if places else found
    candidates = tuple(Candidate(code, name, 2.0 - 0.1 * at, "name") for at, (_, code, name) in enumerate(best[:_MOST]))
    reading = msgspec.structs.replace(
        meaning.reading,
        intent="procedure_info",
        procedures=candidates,
        ask_back=len(candidates) > 1,
        ask_why="several are called so" if len(candidates) > 1 else "",
        understood=True,
        behind="",
    )
    return msgspec.structs.replace(meaning, intent=type(meaning.intent).PROCEDURE, reading=reading, score=1.0)


def _plain(text: str) -> str:
    said = " ".join(re.findall(r"[^\W_]+", fold(text[:400])))
    for short, long in _SPELLED:
        said = short.sub(long, said)
    return said


@lru_cache(maxsize=1)
def _asking() -> frozenset[str]:
    """Words that only ask: of follow-ups and of courtesy."""
    asked = {word for phrase in rulebook().follow_up_words for word in phrase.split()}
    return frozenset(asked | shipped_courtesies()) - {"dau", "hai"}


@lru_cache(maxsize=4)
def _named(names: NameIndex) -> tuple[tuple[str, str, frozenset[str]], ...]:
    return tuple(
        (code, name, frozenset(_plain(name).split()))
        for code, name in zip(names.codes, names.names, strict=True)
        if _ABOUT.search(fold(name))
    )
