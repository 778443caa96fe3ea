"""The receipt as a sheet of A5: what the counter prints and hands over (phiếu theo dõi hồ sơ).

Black on white, thin lines, nothing near the edge, so that any counter printer brings it out whole. It accompanies the official receipt
with the appointment (Decree 61/2018, form 01) and says so; it carries the applicant's name for the counter, the QR code never does.
"""

from collections.abc import Callable
from datetime import datetime
from typing import cast

from fpdf import FPDF, ViewerPreferences

from govchat.kit import clock
from govchat.kit.phrases import fixed
from govchat.receipts import label, letters
from govchat.receipts.issue import Printed
from govchat.tenants.registry import Tenant

WIDE, HIGH, MARGIN = 148.0, 210.0, 12.0
INNER = WIDE - 2 * MARGIN
NAMES = 33.0  # the column of what a line is
QR = 46.0
TABLE_ENDS = 124.0  # the lines above the QR code may fill the sheet down to here
BESIDE = 53.0  # what stands beside the QR code may be as high
FOOT_ENDS = 203.0
FONT = "Noto Sans"
POINT = 0.3528  # mm
# How much smaller letters become, step by step, where long texts would not fit otherwise.
SMALLER = (1.0, 0.9, 0.8, 0.7, 0.6)


def pdf(tenant: Tenant, printed: Printed, address: str) -> bytes:
    """The sheet; `address` is what the QR code holds."""
    sheet = FPDF(format=(WIDE, HIGH))
    sheet.add_font(FONT, "", letters.REGULAR)
    sheet.add_font(FONT, "B", letters.BOLD)
    sheet.set_auto_page_break(False)
    sheet.set_margin(MARGIN)
    sheet.c_margin = 0
    sheet.set_title(letters.said("sheet_title", code=printed.code))
    sheet.set_lang("vi-VN")
    sheet.set_creator("govchat")
    sheet.set_creation_date(clock.now())
    # A viewer that "fits to page" would shrink the code.
    sheet.viewer_preferences = ViewerPreferences(print_scaling="None")
    sheet.add_page()
    _head(sheet, tenant)
    _code(sheet, printed.code)
    _lines(sheet, printed)
    _qr(sheet, tenant, printed, address)
    _foot(sheet, tenant)
    return bytes(sheet.output())


def _words(
    sheet: FPDF, x: float, y: float, wide: float, text: str, size: float, bold: bool = False, align: str = "L"
) -> float:
    """Write `text`, broken into lines, from `y` on; answers where it ends."""
    sheet.set_font(FONT, "B" if bold else "", size)
    sheet.set_xy(x, y)
    sheet.multi_cell(wide, size * 0.5, text, align=align, new_x="LEFT", new_y="NEXT")
    return float(sheet.get_y())


def _line(sheet: FPDF, y: float, text: str, size: float, bold: bool = False) -> None:
    """Write `text` on one line across the sheet, smaller where it is long."""
    font = letters.BOLD if bold else letters.REGULAR
    fits = INNER / max(letters.width(text, font), 1) / POINT
    _words(sheet, MARGIN, y, INNER, text, min(size, fits - 0.05), bold, align="C")


def _head(sheet: FPDF, tenant: Tenant) -> None:
    organisation = letters.printable(tenant.manifest.contact.organisation or tenant.full_name).upper()
    _words(sheet, MARGIN, 12, 48, _halved(sheet, organisation, 48, 8.5), 8.5, bold=True, align="C")
    right, wide = MARGIN + 52, INNER - 52
    motto = fixed(letters.ROOM)
    _words(sheet, right, 12, wide, motto["motto_above"], 8.5, bold=True, align="C")
    below = _words(sheet, right, 16.5, wide, motto["motto_below"], 9, bold=True, align="C")
    sheet.set_line_width(0.25)
    sheet.line(right + wide / 2 - 22, below + 0.6, right + wide / 2 + 22, below + 0.6)
    _line(sheet, 30, letters.said("sheet_heading"), 16, bold=True)
    _line(sheet, 38.5, letters.said("sheet_beside"), 8.5)


def _halved(sheet: FPDF, text: str, wide: float, size: float) -> str:
    """A heading too long for one line, broken near its middle instead of leaving a single word below."""
    sheet.set_font(FONT, "B", size)
    if not wide < sheet.get_string_width(text) < 1.8 * wide:
        return text
    blanks = [place for place, sign in enumerate(text) if sign == " "]
    middle = min(blanks, key=lambda place: abs(place - len(text) / 2), default=None)
    return text if middle is None else f"{text[:middle]}\n{text[middle + 1 :]}"


def _code(sheet: FPDF, code: str) -> None:
    text = letters.printable(code)
    size = min(17.0, (INNER - 8) / letters.width(text, letters.BOLD) / POINT)
    sheet.set_line_width(0.5)
    sheet.rect(MARGIN, 46, INNER, 16)
    _line(sheet, 47.5, letters.said("code"), 8.5)
    sheet.set_font(FONT, "B", size)
    sheet.set_xy(MARGIN, 51.5)
    sheet.cell(INNER, 9, text, align="C")


def _lines(sheet: FPDF, printed: Printed) -> None:
    """What the dossier is about; smaller letters where the texts are long."""
    rows = [
        (letters.said("sheet_applicant"), letters.printable(printed.applicant), False),
        (letters.said("sheet_procedure"), letters.printable(printed.procedure_name or "—"), False),
        (letters.said("unit"), letters.printable(printed.unit), False),
        (letters.said("received"), _moment(printed.received_at), False),
        (letters.said("due"), _moment(printed.due_at), True),
    ]
    wide = INNER - NAMES
    for size in (10.0, 9.0, 8.0, 7.0, 6.0):
        heights = [
            max(_height(sheet, NAMES - 0.5, name, size), _height(sheet, wide, text, size, bold))
            for name, text, bold in rows
        ]
        if 66 + sum(heights) + 3.2 * len(rows) <= TABLE_ENDS:
            break
    y = 66.0
    sheet.set_line_width(0.1)
    for (name, text, bold), height in zip(rows, heights, strict=True):
        _words(sheet, MARGIN, y, NAMES - 0.5, name, size)
        _words(sheet, MARGIN + NAMES, y, wide, text, size, bold=bold)
        y += height + 1.6
        sheet.line(MARGIN, y, WIDE - MARGIN, y)
        y += 1.6


def _qr(sheet: FPDF, tenant: Tenant, printed: Printed, address: str) -> None:
    top = 128.0
    runs = label.squares(address)
    module = QR / label.size_of(runs)
    for row, column, length in runs:
        # A hair wider than a module, or some printers leave white lines between the rows.
        sheet.rect(MARGIN + column * module, top + row * module, length * module, module + 0.02, style="F")
    x, wide = MARGIN + QR + 8, INNER - QR - 8
    steps = (
        letters.said("sheet_scan"),
        letters.said("sheet_shows"),
        letters.said("sheet_write", province=tenant.full_name),
    )
    parts = [(0.0, letters.said("sheet_where"), 12.0, True, 2.0), *((5.0, step, 9.0, False, 1.2) for step in steps)]
    parts.append((5.0, f"tra cứu {letters.printable(printed.code)}", 9.0, True, 0.0))
    scale = _scale(
        BESIDE,
        lambda by: sum(_height(sheet, wide - at, text, size * by, bold) + gap for at, text, size, bold, gap in parts),
    )
    y = top
    for number, (at, text, size, bold, gap) in enumerate(parts):
        if 1 <= number <= len(steps):
            _words(sheet, x, y, 5, f"{number}.", size * scale)
        y = _words(sheet, x + at, y, wide - at, text, size * scale, bold) + gap


def _foot(sheet: FPDF, tenant: Tenant) -> None:
    hotline = tenant.manifest.contact.hotline
    texts = [letters.said("sheet_privacy")]
    if hotline:
        texts.append(letters.said("sheet_hotline", hotline=hotline))
    texts.append(letters.said("sheet_printed", moment=letters.moment(clock.now())))
    top, gap = 184.0, 0.8
    scale = _scale(FOOT_ENDS - top, lambda by: sum(_height(sheet, INNER, text, 8 * by) + gap for text in texts))
    sheet.set_line_width(0.1)
    sheet.line(MARGIN, 182, WIDE - MARGIN, 182)
    y = top
    for text in texts:
        y = _words(sheet, MARGIN, y, INNER, text, 8 * scale) + gap


def _scale(high: float, height: Callable[[float], float]) -> float:
    """How small letters have to be for texts to be no higher than `high`; `height` measures them at a scale."""
    return next((by for by in SMALLER if height(by) <= high), SMALLER[-1])


def _height(sheet: FPDF, wide: float, text: str, size: float, bold: bool = False) -> float:
    sheet.set_font(FONT, "B" if bold else "", size)
    return cast("float", sheet.multi_cell(wide, size * 0.5, text, dry_run=True, output="HEIGHT"))


def _moment(at: datetime | None) -> str:
    return letters.printable(letters.moment(at))
