"""Vietnamese phone numbers in the one shape that Zalo uses: `84` and nine digits."""

import re

_NATIONAL = re.compile(r"(?:\+?84|0)([1-9]\d{8})")


def normalise(phone: str) -> str | None:
    """`0912 345 678`, `+84912345678`, `84912345678` → `84912345678`; None when it is no Vietnamese mobile number."""
    match = _NATIONAL.fullmatch(re.sub(r"[\s.\-()]", "", phone))
    return f"84{match.group(1)}" if match else None
