"""Turns a number and a text that Zalo answered with into the exception that says what to do.

-32 and -223 have two meanings each, which only the text tells apart.
"""

import re
from collections.abc import Iterable

from govchat.zalo.codes import ARTICLE_QUOTA, OA_CODES, ZBS_CODES, Code, Host
from govchat.zalo.errors import RateLimited, Scope, UnknownZaloError, ZaloError
from govchat.zalo.redact import redact

_SAYS_QUOTA = re.compile(r"quota|limit|exceed|reached|hạn mức|giới hạn|vượt quá", re.IGNORECASE)
_SAYS_APP = re.compile(r"\bapp(?:lication)?(?:[ _-]?id)?\b|ứng dụng", re.IGNORECASE)
_SAYS_OA = re.compile(r"\boa(?:[ _-]?id)?\b|\bofficial account\b", re.IGNORECASE)


def lookup(host: Host, code: int, text: str = "") -> Code | None:
    """The line of `code` on `host`, branching on `text` where one number has two meanings; None when unknown."""
    if host is Host.oa and code == -223 and _SAYS_QUOTA.search(text):
        return ARTICLE_QUOTA
    found = (OA_CODES if host is Host.oa else ZBS_CODES).get(code)
    if found is None and code in (
        401,
        -401,
        216,
        -216,
        -220,
    ):  # token variants come from the gateway in front of both hosts
        return OA_CODES[code]
    return found


def limit_scope(text: str) -> Scope | None:
    """Which per-minute limit a -32 speaks of: the app's, the OA's, or None when the text names neither or both."""
    app, oa = _SAYS_APP.search(text), _SAYS_OA.search(text)
    if app and not oa:
        return "app"
    return "oa" if oa and not app else None


def error_from(
    host: Host,
    code: int,
    text: str,
    *,
    http_status: int | None = None,
    retry_after_s: float | None = None,
    secrets: Iterable[str] = (),
) -> ZaloError:
    """The exception for `code` with Zalo's `text`; `secrets` are cut out of the text wherever they stand."""
    message = redact(text, secrets)
    found = lookup(host, code, text)
    if found is None:
        return UnknownZaloError(message, code=code, http_status=http_status, retry_after_s=retry_after_s)
    return found.error(
        message,
        code=code,
        name=found.name,
        sentence=found.sentence,
        kind=found.kind,
        retryable=found.retryable,
        blame=found.blame,
        uncertain=found.uncertain,
        http_status=http_status,
        retry_after_s=retry_after_s,
        scope=limit_scope(text) if found.error is RateLimited else None,
    )
