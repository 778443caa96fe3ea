"""Which column holds what: header names of the national database's exports and of offices' own lists, with or without diacritics.

A header is compared without marks, case, punctuation and what stands in brackets. What is not recognised is named, never guessed by
its place.
"""

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from govchat.kit.text import clean, fold

How = Literal["exact", "without_diacritics", "similar"]

# Field → names. The first ones are those of the national database; English ones are those of our own files.
NAMES: dict[str, tuple[str, ...]] = {
    "code": (
        "mã thủ tục", "mã thủ tục hành chính", "mã số thủ tục", "mã số thủ tục hành chính", "mã TTHC", "mã số TTHC",
        "mã TTHC quốc gia", "mã quốc gia", "mã số", "mã", "mã số hồ sơ TTHC", "mã hồ sơ TTHC", "MaTTHC", "national_code", "code",
    ),
    "official_name": (
        "tên thủ tục", "tên thủ tục hành chính", "tên TTHC", "tên đầy đủ", "tên", "thủ tục hành chính", "thủ tục", "TenTTHC",
        "nội dung thủ tục", "official_name",
    ),
    "name": ("tên thường gọi", "tên ngắn", "tên gọi", "tên hiển thị", "name"),
    "issuer": ("cơ quan ban hành", "cơ quan công bố", "bộ ngành", "bộ, ngành", "đơn vị ban hành", "issuer"),
    "field": ("lĩnh vực", "tên lĩnh vực", "lĩnh vực thực hiện", "nhóm thủ tục", "TenLinhVuc", "field"),
    "levels": ("cấp thực hiện", "cấp giải quyết", "cấp hành chính", "cấp", "level"),
    "agencies": (
        "cơ quan thực hiện", "cơ quan có thẩm quyền", "cơ quan có thẩm quyền quyết định", "cơ quan giải quyết",
        "cơ quan trực tiếp thực hiện",
        "cơ quan tiếp nhận", "đơn vị thực hiện", "đơn vị giải quyết", "thẩm quyền giải quyết", "agency",
    ),
    "limit": (
        "thời hạn giải quyết", "thời gian giải quyết", "thời hạn", "thời gian", "thời gian thực hiện", "thời hạn thực hiện",
        "thời gian xử lý", "số ngày giải quyết", "time_limit",
    ),
    "limit_value": ("giá trị thời hạn", "số ngày", "time_value"),
    "limit_unit": ("đơn vị thời hạn", "đơn vị tính", "đơn vị thời gian", "time_unit"),
    "limit_note": ("ghi chú thời hạn", "mô tả thời hạn", "time_note"),
    "fee": ("phí, lệ phí", "phí/lệ phí", "phí và lệ phí", "lệ phí/phí", "mức phí", "mức thu", "phí", "fee"),
    "charge": ("lệ phí", "mức lệ phí"),
    "documents": (
        "thành phần hồ sơ", "hồ sơ", "giấy tờ", "hồ sơ cần nộp", "giấy tờ cần nộp", "thành phần, số lượng hồ sơ", "required_documents",
    ),
    "online": (
        "mức độ", "mức độ trực tuyến", "mức độ dịch vụ công", "mức độ DVC", "mức độ cung cấp", "mức độ cung cấp dịch vụ công",
        "mức độ cung cấp dịch vụ công trực tuyến", "dịch vụ công trực tuyến", "loại dịch vụ công", "DVCTT", "online_level",
    ),
    "channels": (
        "cách thức thực hiện", "cách thức", "hình thức nộp", "hình thức tiếp nhận", "kênh", "kênh tiếp nhận", "kênh thực hiện",
        "CachThucThucHien", "channels",
    ),
    "address": ("địa chỉ tiếp nhận", "địa chỉ", "nơi tiếp nhận", "địa điểm", "địa điểm thực hiện", "địa chỉ tiếp nhận hồ sơ", "address"),
    "opening_hours": ("giờ tiếp nhận", "thời gian tiếp nhận", "giờ làm việc", "opening_hours"),
    "results": ("kết quả", "kết quả thực hiện", "kết quả giải quyết", "result"),
    "decision": ("số quyết định", "quyết định công bố", "quyết định", "số quyết định công bố", "decision"),
    "legal_basis": ("căn cứ pháp lý", "cơ sở pháp lý", "căn cứ", "legal_basis"),
    "aliases": ("từ khóa", "từ khoá", "tên gọi khác", "aliases"),
    "source": ("đường dẫn", "liên kết", "link", "url", "source_url", "nguồn"),
    "note": ("ghi chú", "mô tả", "note"),
    "hidden": ("ẩn", "không hiển thị", "không áp dụng", "hidden"),
    "replaced_by": ("thay thế bởi", "được thay thế bởi", "mã thay thế", "thủ tục thay thế", "bị thay thế bởi", "replaced_by"),
    "valid_from": ("hiệu lực từ", "ngày hiệu lực", "ngày có hiệu lực", "có hiệu lực từ", "áp dụng từ", "từ ngày", "valid_from"),
    "steps": ("trình tự thực hiện", "trình tự", "steps"),
}  # fmt: skip

# Longer names that begin with one of these are taken as it: "Thời hạn giải quyết theo quy định".
_LEAST_FOR_SIMILAR = 6


class Column(msgspec.Struct, frozen=True):
    """One column as it was understood; `field` is None when it is left aside, and then `why` says so."""

    letter: str
    header: str
    field: str | None
    how: How | None = None
    why: str = ""


def key(header: str) -> str:
    """What headers are compared by."""
    bare = re.sub(r"[(\[{].*?(?:[)\]}]|$)", " ", fold(clean(header, 200)))
    return " ".join(re.findall(r"[a-z0-9]+", bare))


_EXACT = {clean(name).lower(): field for field, names in NAMES.items() for name in names}
_KEYS = {key(name): field for field, names in NAMES.items() for name in names}
_BY_LENGTH = sorted(((name, field) for name, field in _KEYS.items() if len(name) >= _LEAST_FOR_SIMILAR), reverse=True)
_BY_LENGTH.sort(key=lambda pair: -len(pair[0]))


def recognise(header: str) -> tuple[str, How] | None:
    """The field that this header names."""
    written = clean(header, 200)
    if not written:
        return None
    if field := _EXACT.get(written.lower()):
        return field, "exact"
    bare = key(written)
    if field := _KEYS.get(bare):
        return field, "without_diacritics" if written.isascii() else "similar"
    for name, field in _BY_LENGTH:
        if bare.startswith(f"{name} "):
            return field, "similar"
    return None


def letter(index: int) -> str:
    """How spreadsheets call a column: 0 is A, 26 is AA."""
    made = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        made = chr(65 + rest) + made
    return made


def columns_of(headers: Sequence[str]) -> list[Column]:
    """Every column with what it was taken for; the first of two that name one field wins."""
    taken: dict[str, str] = {}
    made = []
    for index, header in enumerate(headers):
        written, found = clean(header, 200), recognise(header)
        if found is None:
            made.append(
                Column(letter(index), written, None, why="không nhận ra tên cột" if written else "cột không có tên")
            )
            continue
        field, how = found
        if field in taken:
            made.append(Column(letter(index), written, None, why=f"trùng ý nghĩa với cột {taken[field]}"))
            continue
        taken[field] = letter(index)
        made.append(Column(letter(index), written, field, how))
    if "official_name" in taken:
        return made
    # The only name of a file is the one in its decision; the words citizens know it by stand beside that.
    return [
        msgspec.structs.replace(column, field="official_name")
        if key(column.header) == "name" and column.field
        else column
        for column in made
    ]


def score(headers: Sequence[str]) -> int:
    """How many fields these headers name; 0 without a column of codes, for then it is no header of a catalogue."""
    fields = {found[0] for header in headers if (found := recognise(header))}
    return len(fields) if "code" in fields else 0
