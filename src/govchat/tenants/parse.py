"""A manifest's bytes into data, as far as they can be read, with every syntax mistake on the way.

`tomllib` stops at the first mistake. Here the faulty line is mended or emptied and the text read again, so that one run names all
of them and the sound rest can still be checked. No message repeats a faulty line: it
might hold a secret.
"""

import codecs
import re
import tomllib
from typing import Any

from msgspec import Struct, field

from govchat.tenants.toml_lines import KeyPath, UnfinishedError, key_lines

_MOST_MISTAKES = 50
_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.-]+)")
_KEY = re.compile(r"\s*([A-Za-z0-9_.-]*[A-Za-z0-9_-])(?=[\s=:\"'])")
_ERROR_PLACE = re.compile(r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.S)

# What tomllib says, by its first words, and what to do about it.
_ADVICE = {
    "Expected newline": "thừa ký tự sau giá trị; chữ và mã số phải đặt trong dấu ngoặc kép",
    "Expected '='": 'thiếu dấu "=" giữa khóa và giá trị; viết như khóa = "giá trị"',
    "Expected ']": "tên bảng chưa đóng; viết như [zalo], hoặc [[h_codes]] với hai dấu ngoặc vuông",
    "Invalid value": "giá trị không đọc được; chữ và mã số phải đặt trong dấu ngoặc kép",
    "Invalid statement": 'dòng không đọc được; viết như khóa = "giá trị", ghi chú bắt đầu bằng dấu #',
    "Invalid initial": 'tên khóa không đọc được; viết như khóa = "giá trị"',
    "Invalid date": "ngày không có thật; ghi như 2025-07-01",
    "Cannot overwrite": "khóa hoặc bảng này đã được ghi ở trên; giữ lại một chỗ",
    "Duplicate inline": "khóa này đã được ghi ở trên; giữ lại một chỗ",
    "Cannot declare": "bảng này đã được mở ở trên; gộp các khóa vào một chỗ",
    "Cannot mutate": "bảng này đã được ghi trọn ở trên; gộp các khóa vào một chỗ",
    "Cannot redefine": "bảng này đã được mở ở trên; gộp các khóa vào một chỗ",
    "Unclosed array": 'danh sách chưa đóng hoặc thiếu dấu phẩy; kiểm tra dấu "]"',
    "Unclosed inline": 'bảng trong ngoặc nhọn chưa đóng hoặc thiếu dấu phẩy; kiểm tra dấu "}"',
    "Unterminated string": "chuỗi chưa đóng; thêm dấu ngoặc kép ở cuối",
    "Illegal character '\\n'": "chuỗi chưa đóng trên dòng này; thêm dấu ngoặc kép ở cuối",
    "Illegal character": "có ký tự điều khiển không nhìn thấy; xóa và gõ lại dòng này",
    "Unescaped": "dấu \\ trong ngoặc kép phải viết thành \\\\, hoặc dùng dấu nháy đơn",
}
_UNKNOWN_ADVICE = "lỗi cú pháp TOML; đối chiếu với tệp của một đơn vị khác"


class Parsed(Struct, kw_only=True):
    """`data` and `lines` of what could be read, `faults` by line.

    What stands on `faulty_lines` is not what the author wrote; `written` has the values of those lines as they were, of which some
    may be secrets. `has_gaps`: keys may be missing that the author did write;
    `is_readable` is False when nothing can be said of the rest.
    """

    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=lambda: {(): 1})
    faults: dict[int, str] = field(default_factory=dict)
    faulty_lines: set[int] = field(default_factory=set)
    written: dict[int, str] = field(default_factory=dict)
    has_gaps: bool = False
    is_readable: bool = True


def parse(raw: bytes) -> Parsed:
    """Read a TOML file's bytes. Never raises, whatever they are."""
    parsed = Parsed()
    if b"\0" in raw or raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        parsed.faults[1] = "tệp không phải văn bản UTF-8 (có thể là UTF-16); lưu lại với bảng mã UTF-8"
        parsed.is_readable = False
        return parsed
    if raw.startswith(codecs.BOM_UTF8):
        raw = raw[len(codecs.BOM_UTF8) :]
        parsed.faults[1] = "tệp mở đầu bằng dấu BOM không nhìn thấy; lưu lại với bảng mã UTF-8 không BOM"
    lines = [_decoded(line, number, parsed) for number, line in enumerate(raw.split(b"\n"), 1)]
    if len(parsed.faults) > _MOST_MISTAKES:
        parsed.is_readable = False
        return parsed
    _read(lines, parsed)
    return parsed


def _decoded(line: bytes, number: int, parsed: Parsed) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        # The byte alone is named, not the line around it.
        bad = f"0x{line[error.start]:02x} ở cột {len(line[: error.start].decode()) + 1}"
        parsed.faults[number] = (
            f"có byte không phải UTF-8 ({bad}); lưu lại tệp với bảng mã UTF-8 rồi gõ lại chữ bị hỏng"
        )
        parsed.faulty_lines.add(number)
        return line.decode(errors="replace")


def _read(lines: list[str], parsed: Parsed) -> None:
    tries: dict[int, int] = {}
    while True:
        text = "\n".join(lines)
        try:
            data = tomllib.loads(text)
            parsed.lines, parsed.data = key_lines(text), data
            return
        except tomllib.TOMLDecodeError as error:
            line, message, is_fatal = _place(error, text)
        except RecursionError:
            line, message, is_fatal = 1, "tệp lồng quá nhiều bảng hoặc danh sách vào nhau; viết lại phẳng hơn", True
        except ValueError:
            line, message, is_fatal = 1, "có số quá lớn; mã số phải đặt trong dấu ngoặc kép", True
        parsed.faults.setdefault(line, message)
        parsed.faulty_lines.add(line)
        tries[line] = tries.get(line, 0) + 1
        if is_fatal or tries[line] > 2 or len(parsed.faults) > _MOST_MISTAKES:
            parsed.is_readable = False
            return
        lines[line - 1] = _mended(lines[line - 1], line, tries[line], parsed)


def _place(error: tomllib.TOMLDecodeError, text: str) -> tuple[int, str, bool]:
    """The line to blame, the advice, and whether reading on is pointless: what never ends swallows the rest of the file."""
    found = _ERROR_PLACE.match(str(error))
    what = found["what"] if found else str(error)
    advice = next((advice for start, advice in _ADVICE.items() if what.startswith(start)), _UNKNOWN_ADVICE)
    if found and found["line"]:
        return int(found["line"]), f"{advice} (cột {found['column']})", False
    try:
        key_lines(text)
    except UnfinishedError as unfinished:
        return unfinished.line, advice, True
    return text.count("\n") + 1, advice, True


def _mended(line: str, number: int, attempt: int, parsed: Parsed) -> str:
    """The line as it may have been meant, so that the rest can be read; at the second attempt nothing."""
    header, key = _HEADER.match(line), _KEY.match(line)
    if attempt == 1 and header:
        return f"{header[1]}{header[2].strip('.')}{']' * len(header[1])}"
    if attempt == 1 and key:
        parsed.written[number] = line[key.end() :].partition(" #")[0].strip(" \t\r=:")
        return f'{key[1]} = ""'
    if header:
        parsed.is_readable = False  # the keys below have lost their table
    parsed.has_gaps = True
    return ""
