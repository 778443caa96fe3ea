"""Reading a file beside a manifest: its TOML with the line of every key, and what is wrong with it as far as TOML goes."""

from pathlib import Path

from govchat.tenants.findings import Finding, finding
from govchat.tenants.parse import Parsed, parse

MIB = 1024 * 1024


def read_part(path: Path, *, largest: int = MIB) -> tuple[Parsed, list[Finding]]:
    """The file's tables and its mistakes; empty when there is no such file. `largest` is in bytes."""
    try:
        with path.open("rb") as file:
            raw = file.read(largest + 1)
    except FileNotFoundError:
        return Parsed(), []
    except OSError as error:
        return Parsed(), [finding(path, 1, (), None, f"không đọc được tệp ({error.strerror}); kiểm tra quyền đọc")]
    if len(raw) > largest:
        return Parsed(), [finding(path, 1, (), None, f"tệp lớn hơn {largest // MIB} MiB; kiểm tra lại nội dung")]
    parsed = parse(raw)
    return parsed, [finding(path, line, (), None, message) for line, message in parsed.faults.items()]
