"""The manifests of the provinces, read from `tenants/SLUG/tenant.toml` with every mistake found at once.

Files come in; a `Book` of sound manifests and findings goes out. Nothing here raises for what a file says: the command line prints
the findings, applying takes the manifests.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct

from govchat.kit.oserror import reason
from govchat.tenants.across import check_across
from govchat.tenants.agencies import check_agencies
from govchat.tenants.findings import Finding, finding
from govchat.tenants.parse import Parsed, parse
from govchat.tenants.rules import check_rules
from govchat.tenants.schema import MANIFEST_FILE, SCHEMA_FILE, HCode, Manifest, json_schema
from govchat.tenants.validate import Reading, validate

__all__ = [
    "MANIFEST_FILE",
    "SCHEMA_FILE",
    "Book",
    "Finding",
    "HCode",
    "Manifest",
    "find_province_of_h_code",
    "json_schema",
    "read_all",
    "read_one",
]

_LARGEST_FILE = 1024 * 1024
_LONGEST_SHOWN = 30  # of a value that is no TOML; longer ones may be secrets


class Book(Struct, frozen=True, kw_only=True):
    """What a reading gave: `manifests` without any finding, by slug, and all `findings` by file and line."""

    manifests: tuple[Manifest, ...]
    findings: tuple[Finding, ...]

    def of(self, slug: str) -> Manifest | None:
        """The sound manifest of this tenant."""
        return next((manifest for manifest in self.manifests if manifest.slug == slug), None)


def read_all(folder: Path) -> Book:
    """Read every `SLUG/tenant.toml` in `folder` and check them one by one and against each other."""
    try:
        homes = sorted(home for home in folder.iterdir() if home.is_dir() and not home.name.startswith((".", "_")))
    except OSError as error:
        return _nothing(
            folder, f"không đọc được thư mục ({reason(error)}); kiểm tra GOVCHAT_TENANTS_DIR hoặc tùy chọn --tenants"
        )
    if not homes:
        return _nothing(folder, "không có đơn vị nào trong thư mục này; tạo đơn vị bằng: govchat tenant new SLUG")
    readings = [_reading(home / MANIFEST_FILE) for home in homes]
    check_across(readings)
    return _book(readings)


def read_one(path: Path) -> Book:
    """Read one manifest, given its file or its folder, without comparing it to others."""
    return _book([_reading(path / MANIFEST_FILE if path.is_dir() else path)])


def find_province_of_h_code(book: Book, code: str, on: date) -> Manifest | None:
    """The tenant that answers on day `on` for dossiers whose code begins with `code` ("H10"), whoever issued them.

    `on` is the day of the question (in Vietnam), not the day within the dossier code: what Bình Phước took in during 2024 is Đồng
    Nai's to answer for since the merger.
    """
    wanted = code.strip().upper()
    for manifest in book.manifests:
        if any(each.code == wanted and each.holds_on(on) for each in manifest.h_codes):
            return manifest
    return None


def _reading(file: Path) -> Reading:
    reading = Reading(file=file)
    raw = _bytes(reading)
    if raw is None:
        return reading
    parsed = parse(raw)
    reading.lines = parsed.lines
    reading.faulty_lines = frozenset(parsed.faulty_lines)
    reading.has_gaps = parsed.has_gaps
    if parsed.is_readable:
        validate(reading, parsed.data)
        check_rules(reading)
        check_agencies(reading)
    reading.findings += [_fault(reading, parsed, line) for line in parsed.faults]
    return reading


def _fault(reading: Reading, parsed: Parsed, line: int) -> Finding:
    """What is no TOML, with the key it seems to be meant for and what that key expects."""
    hint, message = reading.hints.get(line), parsed.faults[line]
    if hint is not None:
        written = parsed.written.get(line, "")
        shown = written if hint.value is not None and 0 < len(written) < _LONGEST_SHOWN else None
        return Finding(file=hint.file, line=line, key=hint.key, value=shown, message=f"{message}; {hint.message}")
    meant = [path for path, at in parsed.lines.items() if at == line and line in parsed.faulty_lines]
    return finding(reading.file, line, max(meant, key=len, default=()), None, message)


def _bytes(reading: Reading) -> bytes | None:
    try:
        with reading.file.open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        reading.report(
            (), f"không có tệp {MANIFEST_FILE} trong thư mục này; tạo bằng: govchat tenant new {reading.folder}"
        )
        return None
    except OSError as error:
        reading.report((), f"không đọc được tệp ({reason(error)}); kiểm tra đường dẫn và quyền đọc")
        return None
    if len(raw) > _LARGEST_FILE:
        reading.report((), "tệp lớn hơn 1 MiB; tệp cấu hình chỉ vài KiB, kiểm tra lại nội dung")
        return None
    return raw


def _book(readings: Sequence[Reading]) -> Book:
    sound = [reading for reading in readings if not reading.findings]
    manifests = [msgspec.convert(reading.kept, Manifest) for reading in sound]
    findings = [each for reading in readings for each in reading.findings]
    return Book(
        manifests=tuple(sorted(manifests, key=lambda manifest: manifest.slug)),
        findings=tuple(sorted(findings, key=lambda each: (each.file, each.line, each.key))),
    )


def _nothing(folder: Path, message: str) -> Book:
    return Book(manifests=(), findings=(finding(folder, 1, (), None, message),))
