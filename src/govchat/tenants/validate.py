"""One manifest's data against the shape in `schema`: every mistake becomes a finding, what is sound is kept.

`msgspec` would stop at the first mistake, so tables are walked here and only single values are handed to it. Later checks work on
what was kept, so that one mistake does not hide the next.
"""

import difflib
import re
import types
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from govchat.tenants.findings import Finding, dotted, finding
from govchat.tenants.schema import Manifest
from govchat.tenants.toml_lines import KeyPath

_SECRET = re.compile(r"secret|token|password|passwd|private|credential|mat_?khau|bi_?mat", re.I)
_INVALID: Any = object()


@dataclass
class Reading:
    """A manifest file as far as it could be read: `kept` holds the sound values alone, by the keys of the file."""

    file: Path
    lines: dict[KeyPath, int] = field(default_factory=lambda: {(): 1})
    kept: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    faulty_lines: frozenset[int] = frozenset()
    has_gaps: bool = False
    hints: dict[int, Finding] = field(default_factory=dict)  # by faulty line

    @property
    def folder(self) -> str:
        return self.file.absolute().parent.name

    def line(self, path: KeyPath) -> int:
        """The line of `path`, or of the nearest table around it."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def get(self, *path: str | int) -> Any:
        """The sound value at `path`, or None."""
        value: Any = self.kept
        for part in path:
            if isinstance(part, int) or part in value:
                value = value[part]
            else:
                return None
        return value

    def rows(self, *path: str) -> list[tuple[KeyPath, dict[str, Any]]]:
        """The sound tables of a list of tables, each with the path of its place in the file."""
        return [((*path, index), row) for index, row in enumerate(self.get(*path) or ()) if row is not None]

    def report(self, path: KeyPath, message: str, value: object = None) -> None:
        """Add a finding; on a line that is no TOML, which is a finding already, only the first of them is kept as a hint."""
        found = finding(self.file, self.line(path), path, value, message)
        if self.is_faulty(path):
            self.hints.setdefault(found.line, found)
        else:
            self.findings.append(found)

    def is_faulty(self, path: KeyPath) -> bool:
        return self.lines.get(path) in self.faulty_lines


def is_placeholder(value: object) -> bool:
    """Whether a value is one that `govchat tenant new` leaves to be filled in: `"<…>"`."""
    return isinstance(value, str) and value.startswith("<") and value.endswith(">")


def validate(reading: Reading, data: dict[str, Any]) -> None:
    """Check `data` against the shape of a manifest; fills `reading.kept` and `reading.findings`."""
    reading.kept = _table(reading, Manifest, data, ())


def _table(reading: Reading, shape: type[Struct], data: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    fields = {each.encode_name: each for each in msgspec.structs.fields(shape)}
    kept = {}
    for key, value in data.items():
        if key not in fields:
            _unknown(reading, (*path, key), value, list(fields))
            continue
        sound = _value(reading, fields[key].type, value, (*path, key))
        if sound is not _INVALID:
            kept[key] = sound
    for key, each in fields.items():
        if each.required and key not in data and not reading.has_gaps:
            reading.report((*path, key), _missing(each.type, key))
    return kept


def _value(reading: Reading, annotation: Any, value: Any, path: KeyPath) -> Any:
    kind, meta = _unwrapped(annotation)
    if is_placeholder(value):
        reading.report(path, _unfilled(meta), value)
        return _INVALID
    if isinstance(kind, type) and issubclass(kind, Struct):
        if isinstance(value, dict):
            return _table(reading, kind, value, path)
        reading.report(path, f"cần một bảng; mở bảng bằng dòng [{_header(path)}] rồi ghi các khóa bên dưới", value)
        return _INVALID
    if get_origin(kind) is tuple:
        return _list(reading, get_args(kind)[0], value, path)
    flaw = _leaf_flaw(kind, meta, annotation, value)
    if flaw is None and not reading.is_faulty(path):
        return msgspec.convert(value, annotation)
    if flaw is not None:
        reading.report(path, flaw, value)
    return _INVALID


def _leaf_flaw(kind: Any, meta: Meta | None, annotation: Any, value: Any) -> str | None:
    try:
        sound = msgspec.convert(value, annotation)
    except msgspec.ValidationError as error:
        return _expectation(kind, meta, value) or str(error)
    return _flaw(sound) if isinstance(sound, str) else None


def _list(reading: Reading, element: Any, value: Any, path: KeyPath) -> Any:
    """A list keeps its places: an element that is not sound becomes None, or loses its unsound keys."""
    if not isinstance(value, list):
        reading.report(path, f"cần một danh sách; {_element_form(element, path)}", value)
        return _INVALID
    elements = (_value(reading, element, each, (*path, index)) for index, each in enumerate(value))
    return [None if each is _INVALID else each for each in elements]


def _header(path: KeyPath) -> str:
    """A table's name as its header line spells it: places in lists are not written there."""
    return dotted(tuple(part for part in path if isinstance(part, str)))


def _element_form(element: Any, path: KeyPath) -> str:
    kind, _ = _unwrapped(element)
    if isinstance(kind, type) and issubclass(kind, Struct):
        return f"mở mỗi phần tử bằng dòng [[{_header(path)}]]"
    return f'ghi như {path[-1]} = ["…", "…"]'


def _unwrapped(annotation: Any) -> tuple[Any, Meta | None]:
    """The bare type of a field and the words about it: `Annotated[X, Meta] | None` is X and Meta."""
    meta = None
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, *words = get_args(annotation)
            meta = meta or next((word for word in words if isinstance(word, Meta)), None)
        elif origin in (Union, types.UnionType):
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation, meta


def _words(meta: Meta | None) -> tuple[str, str]:
    extra = (meta.extra if meta else None) or {}
    return extra.get("expected", ""), extra.get("way_out", "")


def _expectation(kind: Any, meta: Meta | None, value: Any) -> str:
    expected, way_out = _words(meta)
    if not expected:
        return ""
    if get_origin(kind) is Literal and isinstance(value, str):
        choices = [choice for choice in get_args(kind) if isinstance(choice, str)]
        near = difflib.get_close_matches(value.lower(), choices, n=1)
        if near:
            return f'cần {expected}; có phải ý là "{near[0]}"?'
    if kind is str and not isinstance(value, str) and "ngoặc kép" not in expected:
        expected += ", đặt trong dấu ngoặc kép"
    return f"cần {expected}; {way_out}"


def _flaw(text: str) -> str | None:
    """What is wrong with any text, whatever its key; patterns do not see a line break at the end."""
    if text != text.strip():
        return "thừa khoảng trắng ở đầu hoặc cuối; xóa đi"
    if any(unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Zs") and char != " " for char in text):
        return "có ký tự không nhìn thấy hoặc xuống dòng; xóa và gõ lại trên một dòng"
    if not unicodedata.is_normalized("NFC", text):
        return f'dấu tiếng Việt ở dạng tách rời (NFD); gõ lại bằng Unicode dựng sẵn: "{unicodedata.normalize("NFC", text)[:80]}"'
    return None


def _unfilled(meta: Meta | None) -> str:
    expected, way_out = _words(meta)
    return f"chỗ này chưa điền; cần {expected}; {way_out}" if expected else "chỗ này chưa điền"


def _missing(annotation: Any, key: str) -> str:
    kind, meta = _unwrapped(annotation)
    if isinstance(kind, type) and issubclass(kind, Struct):
        return f"thiếu bảng này; thêm dòng [{key}] và các khóa bên dưới"
    if get_origin(kind) is tuple:
        return f"thiếu danh sách này; thêm ít nhất một mục bắt đầu bằng dòng [[{key}]]"
    expected, way_out = _words(meta)
    return f"thiếu khóa bắt buộc này; cần {expected}; {way_out}"


def _unknown(reading: Reading, path: KeyPath, value: Any, known: list[str]) -> None:
    key = str(path[-1])
    if _SECRET.search(key):
        name = next(
            (name for name in ("app-secret", "oa-secret", "refresh-token") if name[:3] in key.lower()), "app-secret"
        )
        way_out = f"xóa dòng này rồi nạp bằng: govchat secret set {reading.folder} {name}"
        reading.report(
            path, f"khóa bí mật không được ghi trong tệp này; {way_out}; nếu tệp đã được chia sẻ thì đổi khóa trên Zalo"
        )
        return
    # A value under a name nobody knows might be a secret too: only short ones are shown.
    shown = value if not isinstance(value, str) or len(value) < 20 else None
    reading.report(path, f"khóa không được biết; {_suggestion(key, known)}", shown)


def _suggestion(key: str, known: list[str]) -> str:
    plain = re.sub(r"[\s-]+", "_", key.strip().lower())
    elsewhere = {name: ".".join(table) for name, table in sorted(_places(Manifest, ()), key=_depth, reverse=True)}
    if plain in elsewhere and plain not in known:
        place = elsewhere[plain]
        return f"khóa này thuộc bảng [{place}]" if place else "khóa này phải đứng ở đầu tệp, trước mọi bảng"
    near = difflib.get_close_matches(plain, known, n=1, cutoff=0.6)
    if near:
        return f'có phải ý là "{near[0]}"?'
    far = difflib.get_close_matches(plain, list(elsewhere), n=1, cutoff=0.75)
    if far:
        place = elsewhere[far[0]]
        return f'có phải ý là "{far[0]}" {f"trong bảng [{place}]" if place else "ở đầu tệp"}?'
    return f"các khóa dùng được ở đây: {', '.join(known)}"


def _places(shape: type[Struct], path: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every key of the manifest with the path of its table."""
    for each in msgspec.structs.fields(shape):
        yield each.encode_name, path
        kind, _ = _unwrapped(each.type)
        element = _unwrapped(get_args(kind)[0])[0] if get_origin(kind) is tuple else kind
        if isinstance(element, type) and issubclass(element, Struct):
            yield from _places(element, (*path, each.encode_name))


def _depth(place: tuple[str, tuple[str, ...]]) -> int:
    return len(place[1])
