"""What is wrong in a manifest, as data: where it stands, what it says, what is expected and the way out.

Readers of manifests make them; the command line prints them. The messages are Vietnamese, for provincial staff; what stands
before the colon is for editors and scripts.
"""

import json
from datetime import date, time
from pathlib import Path
from typing import Any

from msgspec import Struct

from govchat.tenants.toml_lines import KeyPath

_LONGEST_VALUE = 80

FindingValue = str | int | float | bool | None


class Finding(Struct, frozen=True, kw_only=True):
    """One mistake. `line` counts from 1; `key` is dotted, or empty for the file itself; `value` is None when there is none."""

    file: str
    line: int
    key: str
    value: FindingValue
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        if self.key:
            place += f" {self.key}"
        if self.value is not None:
            place += f" {json.dumps(self.value, ensure_ascii=False)}"
        return f"{place}: {self.message}"


def finding(file: Path, line: int, path: KeyPath, value: object, message: str) -> Finding:
    """A finding on `path` of `file`; a value that is no plain text or number is shown as text, a long one is cut."""
    return Finding(file=file.as_posix(), line=line, key=dotted(path), value=_shown(value), message=message)


def dotted(path: KeyPath) -> str:
    """A key path as people write it: `h_codes[1].code`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _shown(value: Any) -> FindingValue:
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (int, float)) and not -(2**63) < value < 2**63:
        return str(value)[:_LONGEST_VALUE]  # inf, nan and endless integers are TOML but not JSON
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return "{…}" if isinstance(value, dict) else "[…]"
