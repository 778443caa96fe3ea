"""The letters of printed receipts: Noto Sans, cut down to Latin with every letter of Vietnam's languages (licence: fonts/OFL.txt).

Texts of one-stop systems are made printable here: one line, no control characters, and a mark for signs that the font does not have.
"""

import threading
import unicodedata
from datetime import datetime
from functools import cache
from pathlib import Path

from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

from govchat.dossiers import status
from govchat.kit.phrases import phrases

ROOM = "govchat.receipts"
FONTS = Path(__file__).parent / "fonts"
REGULAR = FONTS / "NotoSans-Regular.ttf"
BOLD = FONTS / "NotoSans-Bold.ttf"
MISSING = "\u25a1"

# fontTools reads a font piece by piece as it is asked for, in place: two threads at one letter garble it.
_READING = threading.RLock()


@cache
def _font(path: Path) -> TTFont:
    return TTFont(path)


@cache
def _glyphs() -> dict[int, str]:
    """Code point → glyph name; both weights hold the same."""
    with _READING:
        found: dict[int, str] = _font(REGULAR).getBestCmap()
    return found


def printable(text: str) -> str:
    """`text` on one line, in NFC, with only what can be printed."""
    kept = "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in text)
    normal = unicodedata.normalize("NFC", " ".join(kept.split()))
    # Invisible directions and joiners would print as boxes.
    visible = (sign for sign in normal if unicodedata.category(sign) != "Cf")
    return "".join(sign if ord(sign) in _glyphs() else MISSING for sign in visible)


def width(text: str, path: Path) -> float:
    """The width of `text` in ems."""
    with _READING:
        font = _font(path)
        advances = font["hmtx"]
        total: int = sum(advances[_glyphs()[ord(sign)]][0] for sign in text)
        return total / int(font["head"].unitsPerEm)


def outline(text: str, path: Path, x: float, y: float, size: float) -> str:
    """`text` as an SVG path that begins at `x` on the baseline `y`: it needs no font where it is shown."""
    with _READING:
        font = _font(path)
        shapes, advances = font.getGlyphSet(), font["hmtx"]
        scale = size / font["head"].unitsPerEm
        pen = SVGPathPen(shapes, ntos=lambda number: f"{number:.2f}".rstrip("0").rstrip("."))
        for sign in text:
            name = _glyphs()[ord(sign)]
            shapes[name].draw(TransformPen(pen, (scale, 0, 0, -scale, x, y)))
            x += advances[name][0] * scale
        return str(pen.getCommands())


def moment(at: datetime | None) -> str:
    """`09:12 ngày 03/11/2026` in Vietnam, as the province writes it; a dash when there is none."""
    return "—" if at is None else status.moment(at)


def said(key: str, **facts: str) -> str:
    """A sentence of this room in the province's words (`kit.phrases.overlaid`), as it can be printed."""
    return printable(phrases(ROOM)[key].format(**facts))
