"""The receipt as a sheet of A5: what the counter prints and hands over (phiếu theo dõi hồ sơ).

Black on white, thin lines, nothing near the edge, so that any counter printer brings it out whole. It accompanies the official receipt
with the appointment (Decree 61/2018, form 01) and says so; it carries the applicant's name for the counter, the QR code never does.
"""

from typing import cast

from fpdf import FPDF, ViewerPreferences

from govchat.kit import clock
from govchat.receipts import label, letters
from govchat.receipts.issue import Printed
from govchat.tenants.registry import Tenant

WIDE, HIGH, MARGIN = 148.0, 210.0, 12.0
INNER = WIDE - 2 * MARGIN
NAMES = 33.0  # the column of what a line is
QR = 46.0
TABLE_ENDS = 124.0  # the lines above the QR code may fill the sheet down to here
FONT = "Noto Sans"


def pdf(tenant: Tenant, printed: Printed, address: str) -> bytes:
    """The sheet; `address` is what the QR code holds."""
    sheet = FPDF(format=(WIDE, HIGH))
    sheet.add_font(FONT, "", letters.REGULAR)
    sheet.add_font(FONT, "B", letters.BOLD)
    sheet.set_auto_page_break(False)
    sheet.set_margin(MARGIN)
    sheet.c_margin = 0
    sheet.set_title(f"Phiếu theo dõi hồ sơ {letters.printable(printed.code)}")
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


def _head(sheet: FPDF, tenant: Tenant) -> None:
    organisation = letters.printable(tenant.manifest.contact.organisation or tenant.full_name).upper()
    _words(sheet, MARGIN, 12, 48, _halved(sheet, organisation, 48, 8.5), 8.5, bold=True, align="C")
    right, wide = MARGIN + 52, INNER - 52
    _words(sheet, right, 12, wide, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 8.5, bold=True, align="C")
    below = _words(sheet, right, 16.5, wide, "Độc lập - Tự do - Hạnh phúc", 9, bold=True, align="C")
    sheet.set_line_width(0.25)
    sheet.line(right + wide / 2 - 22, below + 0.6, right + wide / 2 + 22, below + 0.6)
    _words(sheet, MARGIN, 30, INNER, "PHIẾU THEO DÕI HỒ SƠ", 16, bold=True, align="C")
    note = "Kèm theo, không thay thế Giấy tiếp nhận hồ sơ và hẹn trả kết quả"
    _words(sheet, MARGIN, 38.5, INNER, note, 8.5, align="C")


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
    size = min(17.0, (INNER - 8) / letters.width(text, letters.BOLD) / 0.3528)
    sheet.set_line_width(0.5)
    sheet.rect(MARGIN, 46, INNER, 16)
    _words(sheet, MARGIN, 47.5, INNER, "Mã hồ sơ", 8.5, align="C")
    sheet.set_font(FONT, "B", size)
    sheet.set_xy(MARGIN, 51.5)
    sheet.cell(INNER, 9, text, align="C")


def _lines(sheet: FPDF, printed: Printed) -> None:
    """What the dossier is about; smaller letters where the texts are long."""
    rows = [
        ("Người nộp hồ sơ", letters.printable(printed.applicant), False),
        ("Thủ tục", letters.printable(printed.procedure_name or "—"), False),
        ("Cơ quan giải quyết", letters.printable(printed.unit), False),
        ("Tiếp nhận", letters.moment(printed.received_at), False),
        ("Hẹn trả kết quả", letters.moment(printed.due_at), True),
    ]
    wide = INNER - NAMES
    for size in (10.0, 9.0, 8.0, 7.0, 6.0):
        heights = []
        for _, text, bold in rows:
            sheet.set_font(FONT, "B" if bold else "", size)
            height = sheet.multi_cell(wide, size * 0.5, text, dry_run=True, output="HEIGHT")
            heights.append(cast("float", height))
        if 66 + sum(heights) + 3.2 * len(rows) <= TABLE_ENDS:
            break
    y = 66.0
    sheet.set_line_width(0.1)
    for (name, text, bold), height in zip(rows, heights, strict=True):
        _words(sheet, MARGIN, y, NAMES, name, size)
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
    y = _words(sheet, x, top, wide, "Xem hồ sơ đang ở đâu", 12, bold=True) + 2
    steps = (
        "Mở máy ảnh của điện thoại hoặc Zalo, hướng vào mã QR rồi chạm vào đường dẫn hiện ra.",
        "Trang mở ra cho biết tình trạng, cơ quan giải quyết và ngày hẹn trả.",
        f"Muốn xem thêm: mở Zalo {letters.printable(tenant.full_name)}, gửi tin nhắn:",
    )
    for number, step in enumerate(steps, start=1):
        _words(sheet, x, y, 5, f"{number}.", 9)
        y = _words(sheet, x + 5, y, wide - 5, step, 9) + 1.2
    _words(sheet, x + 5, y, wide - 5, f"tra cứu {letters.printable(printed.code)}", 9, bold=True)


def _foot(sheet: FPDF, tenant: Tenant) -> None:
    contact = tenant.manifest.contact
    sheet.set_line_width(0.1)
    sheet.line(MARGIN, 182, WIDE - MARGIN, 182)
    y = _words(
        sheet, MARGIN, 184, INNER,
        "Ai quét mã QR này cũng xem được tình trạng hồ sơ, nhưng không thấy tên người nộp và giấy tờ. "
        "Nếu mất phiếu, anh/chị báo nơi nộp hồ sơ để hủy mã.",
        8,
    )  # fmt: skip
    if contact.hotline:
        y = _words(sheet, MARGIN, y + 0.8, INNER, f"Tổng đài: {letters.printable(contact.hotline)}", 8)
    _words(sheet, MARGIN, y + 0.8, INNER, f"In lúc {letters.moment(clock.now())}", 8)
