"""The words of a notice: checked when they are saved, filled when a notice is planned.

A text is lines with `{facts}` of `kinds.FIELDS`. A line whose fact is unknown is left out; therefore a fact that may be unknown never
shares a line with one that must be said, and whatever the law asks for must be there. Nothing is left to find out while sending.
"""

import string
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType

import msgspec

from govchat.errors import ConfigurationError, DomainError
from govchat.notices.facts import longest_of, samples
from govchat.notices.kinds import FIELDS, MUST, Kind
from govchat.zalo import messages

LONGEST = 700  # characters; filled in it stays below Zalo's 2,000


class WordingInvalid(DomainError):
    """Words that could not be said as they stand."""

    status = 422
    code = "notice_wording_invalid"
    title = "The wording can't be used"


class KindUnknown(DomainError):
    """No kind of notice goes by this name."""

    status = 404
    code = "notice_kind_unknown"
    title = "No such kind of notice"


class Line(msgspec.Struct, frozen=True):
    """One line and the facts in it; said only when all of them are known."""

    text: str
    fields: frozenset[str]


Wording = tuple[Line, ...]


def kind_named(name: str) -> Kind:
    """The kind of that name; raises `KindUnknown`."""
    try:
        return Kind(name)
    except ValueError:
        raise KindUnknown(f'kind "{name}": expected one of {", ".join(Kind)}') from None


@lru_cache(maxsize=1024)
def read(kind: Kind, text: str) -> Wording:
    """A text as lines; raises `WordingInvalid` naming line, fact and way out, in Vietnamese: provincial staff write them."""
    if not unicodedata.is_normalized("NFC", text):
        raise WordingInvalid(f'"{kind}": dấu tiếng Việt ở dạng tách rời (NFD); gõ lại bằng Unicode dựng sẵn (NFC)')
    kept = text.strip()
    if not kept or len(kept) > LONGEST:
        raise WordingInvalid(f'"{kind}": lời thông báo dài {len(kept)} ký tự; cần từ 1 đến {LONGEST} ký tự')
    lines = tuple(_line(kind, number, line) for number, line in enumerate(kept.splitlines(), 1))
    said = frozenset().union(*(line.fields for line in lines))
    if missing := sorted(MUST[kind] - said):
        told = ", ".join(f"{{{name}}} ({FIELDS[name].what})" for name in missing)
        raise WordingInvalid(f'"{kind}" thiếu {told}; quy định bắt buộc thông báo này phải có, hãy thêm một dòng')
    longest = len(kept) + sum(longest_of(name) for line in lines for name in _places(line.text))
    if longest > messages.TEXT_LIMIT:
        raise WordingInvalid(
            f'"{kind}": khi điền dữ liệu dài nhất, lời thông báo dài tới {longest} ký tự, Zalo chỉ nhận {messages.TEXT_LIMIT}; '
            "bớt lời, hoặc bớt chỗ điền lặp lại"
        )
    return lines


def _places(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name]


def _line(kind: Kind, number: int, line: str) -> Line:
    where = f'"{kind}" dòng {number}'
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in line):
        raise WordingInvalid(f"{where}: có ký tự điều khiển không nhìn thấy; xóa và gõ lại dòng này")
    try:
        parts = [part[1:] for part in string.Formatter().parse(line) if part[1] is not None]
    except ValueError:
        raise WordingInvalid(
            f"{where}: dấu ngoặc nhọn không khớp; chỗ điền viết như {{code}}, dấu ngoặc thật viết thành {{{{{{{{ hoặc }}}}}}}}"
        ) from None
    fields = frozenset(name for name, _, _ in parts if name)
    if unknown := sorted(name or "" for name, form, conversion in parts if name not in FIELDS or form or conversion):
        raise WordingInvalid(
            f"{where}: không biết chỗ điền {{{unknown[0]}}}; có: {', '.join(f'{{{name}}}' for name in FIELDS)}"
        )
    maybe = sorted(name for name in fields if not FIELDS[name].always)
    always = sorted(fields - set(maybe))
    if maybe and always:
        raise WordingInvalid(
            f"{where}: {{{always[0]}}} đứng chung dòng với {{{maybe[0]}}}; khi không biết {{{maybe[0]}}} thì cả dòng bị bỏ, "
            "hãy viết thành hai dòng riêng"
        )
    return Line(line, fields)


def fill(wording: Wording, values: Mapping[str, str]) -> str:
    """The text for a citizen; `values` holds the facts that are known."""
    return "\n".join(line.text.format_map(values) for line in wording if line.fields <= values.keys())


def preview(kind: Kind, text: str | None = None) -> str:
    """What a citizen would read, filled with sample facts; `text` None: the product's own words. Raises `WordingInvalid`."""
    wording = shipped()[kind] if text is None else read(kind, text)
    return fill(wording, samples().said)


@cache
def shipped() -> Mapping[Kind, Wording]:
    """The words that come with the product."""
    return MappingProxyType({kind: read(kind, text) for kind, text in shipped_texts().items()})


@cache
def shipped_texts() -> Mapping[Kind, str]:
    """The same, as they are written. Raises `ConfigurationError` when the file has a kind too many or too few."""
    source = "notices/wording/kinds.toml"
    found = tomllib.loads(files("govchat.notices").joinpath("wording/kinds.toml").read_text("utf-8"))
    if found.keys() != set(Kind):
        odd = ", ".join(sorted(found.keys() ^ set(Kind)))
        raise ConfigurationError(f"{source}: missing or unknown: {odd}")
    return MappingProxyType({Kind(name): str(text).strip() for name, text in found.items()})
