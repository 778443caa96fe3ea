"""OAuth v4 of an OA: the consent address, the exchange of a code, the refresh of a token pair.

A refresh token works once. Keeping pairs, locking rows and deciding when to refresh is the caller's matter.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec

from govchat.zalo.errors import (
    ConsoleMisconfigured,
    ExchangeReplyLost,
    NeedsReconsent,
    OAuthError,
    OAuthReplyLost,
    OutcomeUnknown,
    RefreshReplyLost,
    RefreshTokenSpent,
)
from govchat.zalo.exchange import Reply, exchange
from govchat.zalo.parse import Unreadable, as_int, as_text, read_object
from govchat.zalo.redact import redact

ACCESS_LIFE_S = 90_000  # 25 hours, what Zalo answers; taken when it answers nothing readable


class TokenPair(msgspec.Struct, frozen=True):
    """A new pair; lives in seconds. Store both before using either."""

    access_token: str
    refresh_token: str
    expires_in_s: int
    refresh_expires_in_s: int | None = None

    def __repr__(self) -> str:
        return f"<TokenPair for {self.expires_in_s} s>"


class OAuthCode(msgspec.Struct, frozen=True):
    """One line of the table of OAuth refusals; put together from what others met, there is no official one."""

    code: int
    name: str
    error: type[OAuthError]
    sentence: str


OAUTH_CODES = {
    entry.code: entry
    for entry in (
        OAuthCode(-14002, "app_invalid", ConsoleMisconfigured, "The app id is wrong or the app is not active."),
        OAuthCode(
            -14003,
            "callback_mismatch",
            ConsoleMisconfigured,
            "The callback address is not the saved one, or unverified.",
        ),
        OAuthCode(-14029, "app_not_approved", ConsoleMisconfigured, "The app is not approved."),
        OAuthCode(-14014, "refresh_token_invalid", RefreshTokenSpent, "The refresh token is not valid."),
        OAuthCode(
            -14020, "refresh_token_spent", RefreshTokenSpent, "The refresh token was used already or has expired."
        ),
        OAuthCode(-118, "invalid_grant", RefreshTokenSpent, "The grant is not valid any more."),
        OAuthCode(-14012, "oauth_refused_14012", NeedsReconsent, "Zalo refuses the grant."),
        OAuthCode(-14024, "oauth_refused_14024", NeedsReconsent, "Zalo refuses the grant."),
    )
}

_TRANSIENT_CODES = frozenset({-32})
_SAYS_CONSOLE = re.compile(r"secret|redirect[_ ]?uri", re.IGNORECASE)


def new_pkce() -> tuple[str, str]:
    """A fresh verifier of 43 characters and its S256 challenge."""
    verifier = secrets.token_urlsafe(32)
    return verifier, challenge_of(verifier)


def challenge_of(verifier: str) -> str:
    """The S256 challenge that belongs to `verifier`."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def consent_url(
    oauth_url: str, *, app_id: str, redirect_uri: str, state: str, code_challenge: str | None = None
) -> str:
    """Where an administrator of the OA grants access; without `code_challenge` for apps whose console needs none."""
    query = {"app_id": app_id, "redirect_uri": redirect_uri, "code_challenge": code_challenge, "state": state}
    given = {name: value for name, value in query.items() if value is not None}
    return f"{oauth_url.rstrip('/')}/v4/oa/permission?{urlencode(given)}"


def appsecret_proof(app_secret: str, access_token: str) -> str:
    """The hex HMAC-SHA256 that proves knowledge of the app secret, for apps that switched it on."""
    return hmac.new(app_secret.encode(), access_token.encode(), hashlib.sha256).hexdigest()


async def exchange_code(
    http: aiohttp.ClientSession,
    *,
    oauth_url: str,
    app_id: str,
    app_secret: str,
    code: str,
    code_verifier: str | None = None,
) -> TokenPair:
    """The first pair, for the single-use `code` of the callback (good for ten minutes).

    Raises `ConnectFailed` (the code is still good), `ExchangeReplyLost` or another `OAuthError`.
    """
    form = {"app_id": app_id, "code": code, "grant_type": "authorization_code"}
    if code_verifier is not None:
        form["code_verifier"] = code_verifier
    return await _token(http, oauth_url, app_secret, form, lost=ExchangeReplyLost)


async def refresh(
    http: aiohttp.ClientSession, *, oauth_url: str, app_id: str, app_secret: str, refresh_token: str
) -> TokenPair:
    """A new pair for `refresh_token`, which is spent by it, and so is the access token before it.

    Raises `ConnectFailed` (nothing happened), `RefreshReplyLost` (the token may be spent) or another `OAuthError`.
    """
    form = {"app_id": app_id, "refresh_token": refresh_token, "grant_type": "refresh_token"}
    return await _token(http, oauth_url, app_secret, form, lost=RefreshReplyLost)


async def _token(
    http: aiohttp.ClientSession, oauth_url: str, app_secret: str, form: dict[str, str], *, lost: type[OAuthReplyLost]
) -> TokenPair:
    if not app_secret or not app_secret.isascii() or not app_secret.isprintable():
        raise ConsoleMisconfigured("the stored app secret is empty or malformed; nothing was sent")
    url = f"{oauth_url.rstrip('/')}/v4/oa/access_token"
    try:
        reply = await exchange(http, "POST", url, headers={"secret_key": app_secret}, content=form)
    except OutcomeUnknown as unknown:
        raise lost(unknown.message, http_status=unknown.http_status) from None
    hidden = [app_secret, *(form[name] for name in ("refresh_token", "code", "code_verifier") if name in form)]
    return _read_pair(reply, hidden, lost)


def _read_pair(reply: Reply, hidden: list[str], lost: type[OAuthReplyLost]) -> TokenPair:
    try:
        document = read_object(reply.body)
    except Unreadable as unreadable:
        raise lost(f"unreadable reply: {unreadable}", http_status=reply.status) from None
    access, renewed = as_text(document.get("access_token")), as_text(document.get("refresh_token"))
    if access and renewed:
        life, refresh_life = (as_int(as_text(document.get(f))) for f in ("expires_in", "refresh_token_expires_in"))
        return TokenPair(access, renewed, life if life and life > 0 else ACCESS_LIFE_S, refresh_life)
    raise _refusal(reply, document, hidden, lost)


def _refusal(reply: Reply, document: Mapping[str, Any], hidden: list[str], lost: type[OAuthReplyLost]) -> OAuthError:
    """What a reply without a pair stands for. Success and failure share HTTP 200, and not every refusal has a number."""
    texts = [as_text(document.get(f)) for f in ("error_name", "error_reason", "error_description", "message")]
    text = ": ".join(dict.fromkeys(part for part in texts if part))
    said = as_text(document.get("error"))
    code, status = as_int(said), reply.status
    message = redact(text or said or "", hidden)
    known = OAUTH_CODES.get(code) if code is not None else None
    # The numbers that say no more than "refused" are read with their text: a wrong app secret is no reason to consent anew.
    if known is not None and not (known.error is NeedsReconsent and _SAYS_CONSOLE.search(text)):
        return known.error(message, code=code, name=known.name, sentence=known.sentence, http_status=status)
    silent = code == 0 or not (said or text)
    if status >= 500 or status in (408, 429) or code in _TRANSIENT_CODES or silent:
        reason = message or "the reply holds no token pair"
        return lost(reason, code=code, http_status=status, retry_after_s=reply.retry_after_s)
    if _SAYS_CONSOLE.search(text):
        return ConsoleMisconfigured(message, code=code, http_status=status)
    return NeedsReconsent(message, code=code, http_status=status)
