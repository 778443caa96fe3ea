"""Bytes of a text file into text: Unicode with or without a mark, Windows' Vietnamese code page, and TCVN3 (ABC) fonts.

Office files of many years have passed through many machines. What can't be told for certain is settled by which reading gives the
columns names that we know; the caller asks for the candidates in order.
"""

import codecs
import unicodedata
from collections.abc import Iterator

# TCVN 5712:1993 VN3, as the .VnTime fonts show it. Capitals with a tone are small letters in another font there.
_TCVN3 = {
    **dict(zip(range(0xA1, 0xA8), "ĂÂÊÔƠƯĐ", strict=True)),
    **dict(zip(range(0xA8, 0xAF), "ăâêôơưđ", strict=True)),
    **dict(zip(range(0xB5, 0xBA), "àảãáạ", strict=True)),
    **dict(zip(range(0xBB, 0xBF), "ằẳẵắ", strict=True)),
    **dict(zip(range(0xC6, 0xCD), "ặầẩẫấậè", strict=True)),
    **dict(zip(range(0xCE, 0xD9), "ẻẽéẹềểễếệìỉ", strict=True)),
    **dict(zip(range(0xDC, 0xE0), "ĩíịò", strict=True)),
    **dict(zip(range(0xE1, 0xF0), "ỏõóọồổỗốộờởỡớợù", strict=True)),
    **dict(zip(range(0xF1, 0xFF), "ủũúụừửữứựỳỷỹýỵ", strict=True)),
}

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def from_tcvn3(text: str) -> str:
    """Text whose bytes were TCVN3 and were read as Latin-1, as old spreadsheets hold it (`Thñ tôc` → `Thủ tục`)."""
    return text.translate(_TCVN3)


def readings(data: bytes) -> Iterator[tuple[str, str]]:
    """(name of the encoding, text), the likeliest first. Only what is valid in an encoding is offered in it."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            yield from _decoded(data, encoding, encoding.removesuffix("-sig"))
            return
    if b"\0" in data[:4096]:
        # Every other byte of plain letters is zero in UTF-16; which one tells the order.
        even, odd = data[0:4096:2].count(0), data[1:4096:2].count(0)
        yield from _decoded(data, "utf-16-le" if odd >= even else "utf-16-be", "utf-16")
        return
    found = list(_decoded(data, "utf-8", "utf-8"))
    if found:
        yield from found
        return
    for encoding, name in (("cp1258", "windows-1258"), ("latin-1", "tcvn3"), ("cp1252", "windows-1252")):
        for _, text in _decoded(data, encoding, name):
            yield name, from_tcvn3(text) if name == "tcvn3" else unicodedata.normalize("NFC", text)


def _decoded(data: bytes, encoding: str, name: str) -> Iterator[tuple[str, str]]:
    try:
        yield name, data.decode(encoding)
    except UnicodeDecodeError:
        return
