"""Takes tokens, secrets and telephone numbers out of Zalo's texts before they are kept or logged.

Errs on the side of hiding: every long run of digits goes, user ids and phones alike.
"""

import re
from collections.abc import Iterable

MAX_KEPT = 500

_LONG_WORD = re.compile(r"[A-Za-z0-9_\-+/=.~%]{32,}")
_NAMED_SECRET = re.compile(
    r"(?i)\b((?:access_|refresh_)?token|secret(?:_?key)?|code|code_verifier|mac)(\"?\s*[=:]\s*\"?)[^\s\"&,;]{6,}"
)
_DIGITS = re.compile(r"\+?\d(?:[ .\-()]{0,2}\d){7,}")
_SPACES = re.compile(r"[\s\x00-\x1f\x7f]+")


def redact(text: object, secrets: Iterable[str] = ()) -> str:
    """`text` on one line of at most 500 characters without `secrets`, token-like words and digit runs of 8 and more."""
    kept = str(text)[: MAX_KEPT * 8]
    for secret in secrets:
        if secret:
            kept = kept.replace(secret, "[hidden]")
    kept = _NAMED_SECRET.sub(r"\1\2[hidden]", kept)
    kept = _LONG_WORD.sub("[hidden]", kept)
    kept = _DIGITS.sub("[number]", kept)
    return _SPACES.sub(" ", kept).strip()[:MAX_KEPT]
