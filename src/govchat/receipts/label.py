"""The QR code with the dossier's code below it, as SVG and PNG: for one-stop systems that print it on a form of their own.

Letters in the SVG are outlines, so it looks the same everywhere; the PNG is black on white at 300 dots an inch.
"""

import io
from pathlib import Path
from xml.sax.saxutils import escape

import segno
from PIL import Image, ImageDraw, ImageFont

from govchat.receipts import letters

QUIET = 4  # modules of white around the code, as ISO/IEC 18004 asks for
DOTS = 16  # of the PNG per module: 33 modules print at 56 mm
DPI = 300
WIDE_MM = 45


def squares(address: str) -> list[tuple[int, int, int]]:
    """The dark runs of the QR code of `address`: row, first column, length. Error correction M, more where it is free."""
    runs = []
    for row, line in enumerate(segno.make(address, error="m", micro=False).matrix):
        start = None
        for column, dark in enumerate((*line, 0)):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                runs.append((row, start, column - start))
                start = None
    return runs


def size_of(runs: list[tuple[int, int, int]]) -> int:
    """Modules along one side."""
    return 1 + max(row for row, _, _ in runs)


def _lines(code: str, side: float) -> list[tuple[str, Path, float]]:
    """The words below: text, font and size in modules, made to fit `side`."""
    lines = []
    for text, path, most in (
        (letters.printable(code), letters.BOLD, 2.9),
        (letters.said("caption"), letters.REGULAR, 2.1),
    ):
        lines.append((text, path, min(most, side / letters.width(text, path))))
    return lines


def svg(address: str, code: str) -> bytes:
    """The label as SVG, 45 mm wide."""
    runs = squares(address)
    modules = size_of(runs)
    side = modules + 2 * QUIET
    parts, y = [], float(modules + QUIET)
    for text, path, size in _lines(code, modules + QUIET):
        y += size * 1.45
        parts.append(letters.outline(text, path, (side - letters.width(text, path) * size) / 2, y, size))
    high = round(y + QUIET / 2, 2)
    dark = "".join(f"M{column + QUIET} {row + QUIET}h{length}v1h-{length}z" for row, column, length in runs)
    title = escape(letters.said("picture", code=code))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" lang="vi" width="{WIDE_MM}mm" '
        f'height="{WIDE_MM * high / side:.2f}mm" viewBox="0 0 {side} {high}"><title>{title}</title>'
        f'<path fill="#fff" d="M0 0h{side}v{high}H0z"/><path shape-rendering="crispEdges" d="{dark}"/>'
        f'<path d="{"".join(parts)}"/></svg>'
    ).encode()


def png(address: str, code: str) -> bytes:
    """The label as PNG."""
    runs = squares(address)
    modules = size_of(runs)
    side = modules + 2 * QUIET
    lines = _lines(code, modules + QUIET)
    high = modules + QUIET + sum(size * 1.45 for _, _, size in lines) + QUIET / 2
    image = Image.new("L", (side * DOTS, round(high * DOTS)), 255)
    draw = ImageDraw.Draw(image)
    for row, column, length in runs:
        left, top = (column + QUIET) * DOTS, (row + QUIET) * DOTS
        draw.rectangle((left, top, left + length * DOTS - 1, top + DOTS - 1), fill=0)
    y = float(modules + QUIET)
    for text, path, size in lines:
        y += size * 1.45
        font = ImageFont.truetype(path, size * DOTS, layout_engine=ImageFont.Layout.BASIC)
        draw.text((side * DOTS / 2, y * DOTS), text, font=font, fill=0, anchor="ms")
    held = io.BytesIO()
    image.save(held, "PNG", optimize=True, dpi=(DPI, DPI))
    return held.getvalue()
