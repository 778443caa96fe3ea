"""`tenants/SLUG/procedures.toml`: what a province says of procedures itself, as a file, checked with line numbers, and written.

One `[[procedures]]` a version: a code, the day it holds from, and the fields that `PUT /v1/procedures/{code}` takes. Needs no database.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, get_args

import msgspec

from govchat.procedures.catalogue import Channel, Level, Online, Unit
from govchat.procedures.override import tidy
from govchat.procedures.patch import Patch
from govchat.procedures.rows import key_of
from govchat.procedures.schemas import OverrideIn, as_override
from govchat.tenants.findings import Finding, finding
from govchat.tenants.parse import Parsed
from govchat.tenants.part_file import MIB, read_part
from govchat.tenants.toml_lines import KeyPath
from govchat.tenants.write import string

FILE = "procedures.toml"
TABLE = "procedures"
_HEAD = """\
# Những điều đơn vị quy định riêng về thủ tục; điều không ghi ở đây thì theo danh mục quốc gia.
# Mỗi [[procedures]] là một lần quy định, có hiệu lực từ valid_from. Xem: govchat procedure show {slug} MÃ
"""


class Entry(msgspec.Struct, frozen=True):
    """One version in the file. `valid_from` None: the file names no day."""

    code: str
    valid_from: date | None
    patch: Patch


def _one_of(kind: Any) -> str:
    return ", ".join(string(each) for each in get_args(kind))


_LINE = "cần một dòng chữ, tối đa {} ký tự"
_LIST = 'cần danh sách, như ["…", "…"], tối đa 100 mục'
_EXPECTED: Mapping[str, str] = {
    "code": "cần mã thủ tục, như 1.012753 hoặc 1.012753.H19; chép từ cơ sở dữ liệu quốc gia",
    "valid_from": "cần ngày từ năm 1990 đến 2100, không có dấu ngoặc kép, như 2026-12-01",
    **dict.fromkeys(("name", "official_name"), _LINE.format("2000")),
    **dict.fromkeys(("issuer", "field", "decision"), _LINE.format(500)),
    **dict.fromkeys(("address", "opening_hours", "note"), _LINE.format(4000)),
    **dict.fromkeys(("agencies", "documents", "results", "legal_basis", "aliases"), _LIST),
    "levels": f"cần danh sách trong {_one_of(Level)}",
    "channels": f"cần danh sách trong {_one_of(Channel)}",
    "online": f"cần một trong {_one_of(Online)}",
    "hidden": "cần true hoặc false, không có dấu ngoặc kép",
    "replaced_by": "cần mã thủ tục, như 1.012753; để trống là không thay thế",
    "limit": f'cần như {{ value = 3, unit = "working_day" }}; unit là một trong {_one_of(Unit)}; value là 0 khi unit là "same_day"',
    "fee": 'cần như { amount = 50000 } hoặc { text = "…" }; amount tính bằng đồng, 0 là không thu',
}


def check(path: Path) -> list[Finding]:
    """Every mistake of the file; none when there is no such file."""
    return read_layer_file(path)[1]


def read_layer_file(path: Path) -> tuple[list[Entry], list[Finding]]:
    """The sound versions of the file and its mistakes; neither when there is no such file."""
    parsed, findings = read_part(path, largest=8 * MIB)
    for key in parsed.data:
        if key != TABLE:
            message = "khóa không được biết; mỗi thủ tục là một bảng [[procedures]] với khóa code"
            findings.append(finding(path, parsed.lines[key,], (key,), None, message))
    rows = parsed.data.get(TABLE, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        message = "cần các bảng [[procedures]], với hai dấu ngoặc vuông"
        return [], [*findings, finding(path, parsed.lines[TABLE,], (TABLE,), None, message)]
    entries: list[Entry] = []
    torn = {place[1] for place, line in parsed.lines.items() if len(place) > 1 and line in parsed.faulty_lines}
    seen: dict[tuple[str, date | None], int] = {}
    for number, row in enumerate(rows):
        entry, flaws = _entry(path, parsed, number, row)
        findings += [flaw for flaw in flaws if flaw.line not in parsed.faulty_lines]
        if entry is None or number in torn:
            continue
        line = parsed.lines[TABLE, number, "code"]
        if (first := seen.setdefault((entry.code, entry.valid_from), line)) != line:
            message = f"mã này với ngày này đã có ở dòng {first}; gộp làm một, hoặc ghi valid_from khác"
            findings.append(finding(path, line, (TABLE, number, "code"), entry.code, message))
        else:
            entries.append(entry)
    return entries, sorted(findings, key=lambda each: each.line)


def _entry(path: Path, parsed: Parsed, number: int, row: dict[str, Any]) -> tuple[Entry | None, list[Finding]]:
    findings: list[Finding] = []

    def bad(key: str, value: object, message: str) -> None:
        place: KeyPath = (TABLE, number, key)
        line = parsed.lines.get(place) or parsed.lines[TABLE, number]
        findings.append(finding(path, line, place, value, message))

    if "code" not in row:
        bad("code", None, f"thiếu khóa này; {_EXPECTED['code']}")
    for key, value in row.items():
        if key not in _EXPECTED:
            near = difflib.get_close_matches(key, _EXPECTED, n=1)
            told = f"có phải ý là {near[0]}?" if near else f"có: {', '.join(_EXPECTED)}"
            bad(key, value, f"khóa không được biết; {told}")
        elif key == "code":
            if not isinstance(value, str) or key_of(value) is None:
                bad(key, value, _EXPECTED[key])
        elif (key == "replaced_by" and isinstance(value, str) and value and key_of(value) is None) or _flawed(
            key, value
        ):
            bad(key, value, _EXPECTED[key])
    if findings or not isinstance(row.get("code"), str):
        return None, findings
    said = msgspec.convert({key: value for key, value in row.items() if key != "code"}, OverrideIn)
    code = key_of(row["code"])
    assert code is not None
    return Entry(code, said.valid_from, tidy(said.patch())), []


def _flawed(key: str, value: object) -> bool:
    if key == "valid_from" and type(value) is not date:  # a text would be read as a day too
        return True
    try:
        msgspec.convert({key: value}, OverrideIn)
    except msgspec.ValidationError:
        return True
    return False


def layer_text(entries: Sequence[Entry], slug: str) -> str:
    """The file for these versions, by code and day."""
    blocks = []
    for entry in sorted(entries, key=lambda each: (each.code, each.valid_from or date.min)):
        lines = [f"[[{TABLE}]]", f"code = {string(entry.code)}"]
        if entry.valid_from is not None:
            lines.append(f"valid_from = {entry.valid_from}")
        lines += [f"{key} = {_value(value)}" for key, value in as_override(entry.patch).items()]
        blocks.append("\n".join(lines))
    return "\n".join([_HEAD.format(slug=slug), "\n\n".join(blocks)]).rstrip("\n") + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return (
            f"{{ {', '.join(f'{key} = {_value(each)}' for key, each in value.items() if each not in (None, [], ()))} }}"
        )
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)
