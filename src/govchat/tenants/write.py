"""A manifest as a commented `tenant.toml`: for a new tenant with places left to fill in, and for writing an applied one back.

Plain values by the file's own keys come in, text in Unicode NFC goes out; reading the text again gives the same values.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from govchat.tenants.schema import SCHEMA_FILE, Manifest

Values = Mapping[str, Any]

_DAYS = ("valid_from", "valid_to", "formed_on")

# What stands behind a key, and above a table.
_BEHIND = {
    "slug": "trùng tên thư mục, không đổi sau khi đã vận hành",
    "type": '"city": thành phố trực thuộc trung ương; "province": tỉnh',
    "official_code_vintage": "luôn ghi kèm mã: mã cũ đã được dùng lại cho đơn vị khác",
    "zalo.app": "ứng dụng dùng chung với đơn vị khác",
    "zalo.app_id": "developers.zalo.me → ứng dụng → Cài đặt → ID ứng dụng",
    "zalo.oa_id": "OA Manager → Thông tin tài khoản",
    "zalo.requests_per_minute": "theo gói của Official Account: 100 hoặc 2000",
    "zalo.app_requests_per_minute": "giới hạn của Zalo cho mỗi ứng dụng",
    "zalo.pkce_mode": '"fixed" nếu trang Thiết lập chung đã lưu sẵn Code Challenge',
    "zalo.signature": '"observe": chỉ ghi nhận chữ ký sai; "enforce": từ chối',
    "working_hours.saturday": "chỉ khi có tiếp nhận ngày thứ Bảy",
}
_ABOVE = {
    "former_names": "Tên và loại đơn vị trước đây; valid_to là ngày cuối cùng còn hiệu lực.",
    "contact": "Chỉ ghi điều chắc chắn; hotline, email, address chỉ thêm khi đơn vị đã xác nhận.",
    "lineage": "Nguồn gốc của đơn vị; gso_code là mã tỉnh cũ, trước ngày 01/07/2025.",
    "h_codes": "Mã đứng đầu mã hồ sơ. own: mã đang dùng; absorbed: mã còn trên hồ sơ cũ, đơn vị này trả lời từ valid_from.\n"
    "high: đã thấy dùng thật; medium-high: suy ra từ danh mục mã năm 2020.",
    "zalo": "Kết nối với Zalo. Không ghi khóa bí mật ở đây.",
    "quiet_hours": "Giờ nghỉ: giữ thông báo và tin chung tới sáng, vẫn trả lời người nhắn đến. Hai giờ bằng nhau nghĩa là không nghỉ.",
    "working_hours": "Giờ làm việc chung. Ngày nghỉ lễ và ngày làm bù do sản phẩm cập nhật, không ghi ở đây.",
    "agencies": "Các cơ quan tiếp nhận, giải quyết hồ sơ. Chỉ ghi điều chắc chắn; giờ làm việc riêng đặt ở [agencies.hours].",
}
_TABLES = ("former_names", "contact", "lineage", "h_codes", "zalo", "quiet_hours", "working_hours", "agencies")


def values_of(manifest: Manifest) -> dict[str, Any]:
    """The manifest's values by the keys of its file; what is not set stays out."""
    values: dict[str, Any] = _told(msgspec.to_builtins(manifest, builtin_types=(date,)))
    return values


def manifest_text(values: Values, *, hints: Mapping[str, Sequence[str]] | None = None) -> str:
    """`tenant.toml` for these values. `hints` are lines of comment below a table, by its name: keys that may be added."""
    slug, hints = values["slug"], hints or {}
    blocks = [
        f"#:schema ../{SCHEMA_FILE}\n"
        f"# {values['full_name'] if not str(values['full_name']).startswith('<') else slug} trên govchat. "
        f"Sửa xong thì kiểm tra bằng: govchat tenant check {slug}\n"
        f"# Không ghi khóa bí mật vào tệp này; nạp bằng: govchat secret set {slug} app-secret"
    ]
    blocks.append("\n".join(_pairs({key: each for key, each in values.items() if key not in _TABLES}, "")))
    for name in _TABLES:
        if values.get(name):
            blocks.append("\n\n".join(_table(name, values[name], hints.get(name, ()))))
        elif name in hints:
            blocks.append("\n".join([*_comment(_ABOVE[name]), *(f"# {line}" for line in hints[name])]))
    return "\n\n".join(blocks) + "\n"


def row_text(name: str, row: Values) -> str:
    """One row of a list of tables, to be added below a file: `[[h_codes]]` and its keys."""
    return "\n".join([f"[[{name}]]", *_pairs(row, f"{name}.")])


def string(text: str) -> str:
    """A text as TOML writes it, on one line."""
    return json.dumps(text, ensure_ascii=False)


def paragraph(text: str) -> str:
    """A text as TOML writes it, line by line where it has several."""
    if "\n" not in text:
        return string(text)
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if escaped.endswith('"'):
        escaped = f'{escaped[:-1]}\\"'
    return f'"""\n{escaped}"""'


def _table(name: str, value: Any, hints: Sequence[str]) -> Iterable[str]:
    above = _comment(_ABOVE.get(name, ""))
    rows: Sequence[Values] = value if isinstance(value, list | tuple) else [value]
    brackets = ("[[", "]]") if isinstance(value, list | tuple) else ("[", "]")
    for number, row in enumerate(rows):
        below = {key: each for key, each in row.items() if _is_table(each)}
        plain = {key: each for key, each in row.items() if key not in below}
        lines = [f"{brackets[0]}{name}{brackets[1]}", *_pairs(plain, f"{name}.")]
        if plain or not below:  # [lineage] may hold nothing but its predecessors
            last = number == len(rows) - 1
            yield "\n".join(
                [*(above if number == 0 else ()), *lines, *(f"# {line}" for line in (hints if last else ()))]
            )
        elif number == 0 and above:
            yield "\n".join(above)
        for key, each in below.items():
            yield from _table(f"{name}.{key}", each, ())


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list | tuple) and bool(value) and isinstance(value[0], Mapping)
    )


def _pairs(values: Values, table: str) -> list[str]:
    lines = []
    for key, each in values.items():
        behind = _BEHIND.get(f"{table}{key}", "")
        lines.append(f"{key} = {_value(key, each)}{f'  # {behind}' if behind else ''}")
    return lines


def _value(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(key, each) for each in value)}]"
    if isinstance(value, int | date) or key in _DAYS:
        return str(value)
    return string(value)


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in text.splitlines()]


def _told(value: Any) -> Any:
    """Without keys that say nothing: None, empty lists and empty tables."""
    if isinstance(value, Mapping):
        kept = {key: _told(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if each is not None and each not in ([], {}, ())}
    return [_told(each) for each in value] if isinstance(value, list | tuple) else value
