"""One HTTP exchange with Zalo, and the reading of its envelope: the only place of this room that touches the network.

No redirect is followed, no cookie kept, nothing tried twice; a failure says whether the request can have been carried out.
"""

from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from govchat.kit import clock
from govchat.zalo.codes import Host
from govchat.zalo.errors import (
    AccessTokenInvalid,
    ConnectFailed,
    HttpRefused,
    OutcomeUnknown,
    RateLimited,
    UnknownZaloError,
)
from govchat.zalo.judge import error_from, limit_scope, lookup
from govchat.zalo.parse import Unreadable, as_int, as_text, read_object
from govchat.zalo.redact import redact

CONNECT_TIMEOUT_S = 3.0
TOTAL_TIMEOUT_S = 10.0
UPLOAD_TIMEOUT_S = 30.0
REPLY_LIMIT = 1024 * 1024  # bytes, after decompression
RETRY_AFTER_LIMIT_S = 3600.0

Form = Mapping[str, str]
Content = bytes | Form | aiohttp.FormData | None

_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class Rate(msgspec.Struct, frozen=True):
    """Zalo's count of this minute: requests allowed and requests left."""

    limit: int | None
    remain: int | None


class Reply(msgspec.Struct, frozen=True):
    """What came back, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def rate(self) -> Rate | None:
        limit = as_int(self.headers.get("X-RateLimit-Limit"))
        remain = as_int(self.headers.get("X-RateLimit-Remain"))
        return None if limit is None and remain is None else Rate(limit, remain)

    @property
    def retry_after_s(self) -> float | None:
        """Seconds from the `Retry-After` header, given as a number or as a date; at most an hour."""
        given = (self.headers.get("Retry-After") or "").strip()
        seconds = as_int(given)
        if seconds is None and given:
            try:
                seconds = int((parsedate_to_datetime(given) - clock.now()).total_seconds())
            except (ValueError, TypeError):
                return None
        return None if seconds is None else min(max(float(seconds), 0.0), RETRY_AFTER_LIMIT_S)

    def __repr__(self) -> str:
        return f"<Reply {self.status} of {len(self.body)} bytes>"


async def exchange(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    content: Content = None,
    total_s: float = TOTAL_TIMEOUT_S,
) -> Reply:
    """Send one request and read the whole answer, whatever its status.

    Raises `ConnectFailed` when nothing can have reached Zalo, else `OutcomeUnknown`. Causes are named by type alone: their
    texts may quote addresses or headers.
    """
    try:
        async with http.request(
            method,
            _address(url),
            headers=headers,
            params=params,
            # A payload of its own: aiohttp would try a dozen kinds for each body.
            data=aiohttp.BytesPayload(content) if isinstance(content, bytes) else content,
            timeout=_timeout(total_s),
            allow_redirects=False,
            raise_for_status=False,
        ) as response:
            return Reply(response.status, response.headers, await _read_capped(response))
    except _NEVER_SENT as error:
        raise ConnectFailed(type(error).__name__) from None
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise OutcomeUnknown(type(error).__name__) from None


@lru_cache(64)
def _address(url: str) -> URL:
    """The few addresses of Zalo, parsed once."""
    return URL(url)


@lru_cache(16)
def _timeout(total_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total_s, connect=CONNECT_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)


async def _read_capped(response: aiohttp.ClientResponse) -> bytes:
    told = response.content_length
    if told is not None and told <= REPLY_LIMIT and "Content-Encoding" not in response.headers:
        return await response.read()
    kept = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        kept += chunk
        if len(kept) > REPLY_LIMIT:
            response.close()
            raise OutcomeUnknown(f"the reply is longer than {REPLY_LIMIT} bytes", http_status=response.status)
    return bytes(kept)


def read_envelope(reply: Reply, host: Host, secrets: Collection[str]) -> Any:
    """The `data` of a successful reply, None when it has none; raises the `ZaloError` that the reply stands for.

    `secrets` are cut out of whatever Zalo repeats of them.
    """
    try:
        document = read_object(reply.body)
    except Unreadable as unreadable:
        _refuse_status(reply, {}, secrets)
        raise OutcomeUnknown(f"unreadable reply: {unreadable}", http_status=reply.status) from None
    said = as_text(document.get("error"))
    code = as_int(said)
    if (
        code
        and (reply.status < 500 or lookup(host, code))
        and (lookup(host, code) or reply.status not in (401, 408, 429))
    ):
        text = _text(document)
        raise error_from(host, code, text, http_status=reply.status, retry_after_s=reply.retry_after_s, secrets=secrets)
    _refuse_status(reply, document, secrets)
    if said is not None and code is None:
        raise UnknownZaloError(redact(f"{said} {_text(document)}", secrets), http_status=reply.status)
    if code is None and "data" not in document:
        raise OutcomeUnknown("unreadable reply: neither error nor data", http_status=reply.status)
    return document.get("data")


def _speaks_for_itself(status: int) -> bool:
    """Whether a number we don't know comes from the API; under these statuses a gateway wrote it."""
    return status < 500 and status not in (401, 408, 429)


def _refuse_status(reply: Reply, document: Mapping[str, Any], secrets: Collection[str]) -> None:
    """Raise for a status that is no success, when the body gives no better reason."""
    status = reply.status
    if 200 <= status < 300:
        return
    text = _text(document)
    message = redact(text, secrets)
    if status == 401:
        raise AccessTokenInvalid(message, http_status=status)
    if status == 429:
        raise RateLimited(message, http_status=status, retry_after_s=reply.retry_after_s, scope=limit_scope(text))
    if status >= 500 or status == 408:
        raise OutcomeUnknown(message, http_status=status)
    raise HttpRefused(message, http_status=status)


def _text(document: Mapping[str, Any]) -> str:
    for field in ("message", "error_description", "error_reason", "error_name"):
        if text := as_text(document.get(field)):
            return text
    return ""
