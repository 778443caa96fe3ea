"""How well labelled sentences are read: the figures the issue of understanding is judged by, and the worst confusions.

`python -m govchat.language.report FILE…` reads JSON lines {"text", "intent", "procedure"}; procedure "clarify" marks what must be asked
back. A catalogue is handed in, because this room knows none: the command line and `benchmarks/language.py` do that.
"""

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from govchat.language.read import Reading

CLARIFY = "clarify"


class Labelled(msgspec.Struct, frozen=True):
    """A sentence with what it means; `procedure` is a code, "clarify", or empty when none is meant."""

    text: str
    intent: str
    procedure: str = ""


class Figures(msgspec.Struct, frozen=True):
    """Shares from 0 to 1, and every sentence read wrongly with how it was read."""

    sentences: int
    intent: float
    first: float
    within_three: float
    asked_back: float
    wrong_but_confident: float
    asked_needlessly: float
    confusions: tuple[tuple[str, str, int], ...]
    wrong: tuple[tuple[Labelled, Reading], ...]


def measure(labelled: Iterable[Labelled], read: Callable[[str], Reading]) -> Figures:
    """Read every sentence and compare."""
    read_as = [(one, read(one.text)) for one in labelled]
    intents = Counter(one.intent == reading.intent for one, reading in read_as)
    meant = [(one, reading) for one, reading in read_as if one.procedure and one.procedure != CLARIFY]
    unclear = [(one, reading) for one, reading in read_as if one.procedure == CLARIFY]
    confusions = Counter((one.intent, reading.intent) for one, reading in read_as if one.intent != reading.intent)
    return Figures(
        sentences=len(read_as),
        intent=intents[True] / max(1, len(read_as)),
        first=_share(_codes(reading)[:1] == [one.procedure] for one, reading in meant),
        within_three=_share(one.procedure in _codes(reading)[:3] for one, reading in meant),
        asked_back=_share(reading.ask_back for _, reading in unclear),
        wrong_but_confident=_share(_wrong_but_confident(one, reading) for one, reading in read_as),
        asked_needlessly=_share(reading.ask_back for _, reading in meant),
        confusions=tuple((*pair, count) for pair, count in confusions.most_common(10)),
        wrong=tuple((one, reading) for one, reading in read_as if not _right(one, reading)),
    )


def load(text: str) -> list[Labelled]:
    """Labelled sentences from JSON lines."""
    return [msgspec.json.decode(line, type=Labelled) for line in text.splitlines() if line.strip()]


def printed(figures: Figures, most_wrong: int = 25) -> str:
    """The figures beside their targets, then confusions and wrong readings."""
    rows = [
        ("intent", figures.intent, ">= 92 %"),
        ("procedure first", figures.first, ">= 85 %"),
        ("procedure within three", figures.within_three, ">= 95 %"),
        ("asked back when unclear", figures.asked_back, ">= 80 %"),
        ("wrong but confident", figures.wrong_but_confident, "<= 3 %"),
        ("asked back needlessly", figures.asked_needlessly, ""),
    ]
    lines = [f"{figures.sentences} sentences"]
    lines += [f"  {name:26}{share:7.1%}  {target}" for name, share, target in rows]
    if figures.confusions:
        lines.append("confusions (meant -> read)")
        lines += [f"  {count:3}  {meant} -> {got}" for meant, got, count in figures.confusions]
    if figures.wrong and most_wrong:
        lines.append("read wrongly")
        for one, reading in figures.wrong[:most_wrong]:
            codes = " ".join(_codes(reading)[:3])
            back = " ask" if reading.ask_back else ""
            lines.append(f"  {one.text!r}: {one.intent} {one.procedure} -> {reading.intent} {codes}{back}")
    return "\n".join(lines)


def _codes(reading: Reading) -> list[str]:
    return [candidate.code for candidate in reading.procedures]


def _right(one: Labelled, reading: Reading) -> bool:
    if one.intent != reading.intent:
        return False
    if one.procedure == CLARIFY:
        return reading.ask_back
    return not one.procedure or _codes(reading)[:1] == [one.procedure]


def _wrong_but_confident(one: Labelled, reading: Reading) -> bool:
    """An answer about the wrong thing, given without asking: a wrong intent or a wrong procedure that is believed."""
    return not reading.ask_back and not _right(one, reading)


def _share(values: Iterable[bool]) -> float:
    counted = list(values)
    return sum(counted) / len(counted) if counted else 1.0
