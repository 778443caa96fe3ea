"""Receipts as SVG, PNG and PDF: what a camera reads from them, what stands on them, and what never does."""

import io
import re
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import zxingcpp
from PIL import Image
from tests.receipts.counter import phone

from govchat.receipts import letters

NAME = "Trịnh Thị Phương Hiền"


def read(picture: Image.Image) -> str:
    """What a camera reads."""
    found = zxingcpp.read_barcodes(picture)
    assert len(found) == 1
    return found[0].text


async def address_of(counter, code: str) -> str:
    return read(Image.open(io.BytesIO(await counter.receipt(code, "png"))))


async def test_the_png_holds_a_qr_code_with_the_address_of_the_page(counter, house):
    code = await counter.dossier()
    address = await address_of(counter, code)
    assert re.fullmatch(re.escape(house.url) + r"/q/[\w-]{24}", address)
    async with house.http.get(address) as answer:
        assert answer.status == 200
        assert code in await answer.text()


async def test_svg_and_png_hold_the_same_code_and_so_does_every_later_printing(counter, browser):
    code = await counter.dossier()
    svg = (await counter.receipt(code, "svg")).decode()
    assert "<text" not in svg
    assert "font" not in svg
    page = await phone(browser)
    await page.set_content(f"<body style='margin:0;background:#fff'>{svg}</body>")
    drawn = await page.locator("svg").screenshot()
    await page.context.close()
    address = await address_of(counter, code)
    assert read(Image.open(io.BytesIO(drawn))) == address
    assert await address_of(counter, code) == address


async def test_the_pdf_is_one_sheet_of_a5_with_its_fonts_cut_down_inside(counter, house):
    code = await counter.dossier(applicant={"name": NAME})
    status, headers, content = await counter.call("GET", f"{code}/receipt.pdf")
    assert (status, headers["Content-Type"]) == (200, "application/pdf")
    assert headers["Cache-Control"] == "no-store"
    assert content.startswith(b"%PDF-1.")
    assert len(re.findall(rb"/Type /Page\b", content)) == 1
    wide, high = map(float, re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content).groups())
    assert (round(wide / 72 * 25.4), round(high / 72 * 25.4)) == (148, 210)
    fonts = set(re.findall(rb"/BaseFont /([\w+-]+)", content))
    assert fonts
    assert all(re.match(rb"[A-Z]{6}\+NotoSans", font) for font in fonts), fonts
    assert content.count(b"/FontFile2") == 2
    assert len(content) < 60_000


async def test_the_qr_code_of_the_pdf_is_the_same(counter):
    code = await counter.dossier()
    assert drawn_qr(await counter.receipt(code, "pdf")) == await address_of(counter, code)


def drawn_qr(pdf: bytes) -> str:
    """Draw the filled rectangles of the sheet as a printer would, and read them."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    page = next(text for stream in streams if b" re f" in (text := _unpacked(stream)))
    boxes = [tuple(map(float, found)) for found in re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) -([\d.]+) re f", page)]
    picture = Image.new("L", (1680, 2380), 255)
    for x, y, wide, high in boxes:
        left, top = round(x * 4), round((595.28 - y) * 4)
        picture.paste(0, (left, top, round((x + wide) * 4), round((595.28 - y + high) * 4)))
    return read(picture)


def _unpacked(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


async def test_texts_of_any_length_and_script_still_make_one_sheet(counter):
    long = "Ủy ban nhân dân xã Đạ K'Nàng " * 10
    code = await counter.dossier(
        applicant={"name": "Y Blŏ Ƀuôn Yă 阮 😀\u202e" + "ễ" * 250},
        handler={"unit": long[:300]},
        procedure_code="9.999999",
        due_at=None,
        received_at=None,
    )
    content = await counter.receipt(code, "pdf")
    assert len(re.findall(rb"/Type /Page\b", content)) == 1


def test_every_letter_of_vietnam_can_be_printed():
    import unicodedata

    vowels = "aăâeêioôơuưy"
    marks = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
    text = "".join(unicodedata.normalize("NFC", vowel + mark) for vowel in vowels for mark in marks) + "đ"
    text += text.upper() + "ŏĕĭŭčƀñĂŎĔĬŬČɃ’ʼ“”…–—₫"
    assert letters.printable(text) == text
    assert letters.printable("a\u0301\n b\u202e\u200b\0c 阮") == "á bc \u25a1".replace("bc", "b c")


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
async def test_an_unknown_dossier_and_no_code_are_refused(counter, kind):
    status, _, content = await counter.call("GET", f"H36.01-261103-999999/receipt.{kind}")
    assert (status, b"dossier_not_found" in content) == (404, True)
    status, _, content = await counter.call("GET", f"khong-phai-ma/receipt.{kind}")
    assert (status, b"dossier_code_invalid" in content) == (422, True)


async def test_the_svg_says_nothing_of_the_person(counter):
    code = await counter.dossier(applicant={"name": NAME, "phone": "0912345678"})
    svg = await counter.receipt(code, "svg")
    assert NAME.encode() not in svg
    assert f"<title>Mã QR tra cứu hồ sơ {code}</title>".encode() in svg


def test_threads_that_draw_at_once_with_a_font_just_opened_draw_the_same() -> None:
    text, every = "H36.01-261103-5007 Quét mã để xem tình trạng hồ sơ của ông K’Brếp", sys.getswitchinterval()
    drawn = letters.outline(text, letters.BOLD, 0, 0, 10)
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            letters._font.cache_clear()
            letters._glyphs.cache_clear()
            drawings = [threads.submit(letters.outline, text, letters.BOLD, 0, 0, 10) for _ in range(8)]
            assert {drawing.result() for drawing in drawings} == {drawn}
    finally:
        sys.setswitchinterval(every)
