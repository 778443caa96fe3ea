"""Fetching a citizen's picture from Zalo's picture hosts: only from there, only so much, only so long.

Addresses in webhooks expire within the hour, so pictures are fetched when they arrive. A signed webhook names the address; the hosts are
allow-listed all the same, since anybody's text may one day end up in that field.
"""

import asyncio
from urllib.parse import urlsplit

import aiohttp
import structlog

from govchat.errors import DomainError
from govchat.files.check import MOST_BYTES, FileTooLarge
from govchat.settings import ZALO_OPENAPI_URL, Settings

log = structlog.get_logger()

# Seen in webhooks of 2024 to 2026: s160-ava-talk.zadn.vn, f20-zpc.zdn.vn and the like.
HOSTS = ("zdn.vn", "zadn.vn")
PATIENCE_S = 15.0


class PictureNotFetched(DomainError):
    """Zalo's picture could not be had."""

    status = 502
    code = "picture_not_fetched"
    title = "The picture could not be fetched"


def may_fetch(url: str, settings: Settings) -> bool:
    """Whether `url` is one of Zalo's picture hosts, or of the stand-in for Zalo that the settings name."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username or parts.password:
        return False
    if parts.scheme == "https" and port in (None, 443):
        return any(host == each or host.endswith(f".{each}") for each in HOSTS)
    own = urlsplit(settings.zalo_openapi_url)
    stands_in = settings.zalo_openapi_url != ZALO_OPENAPI_URL and not settings.is_production
    return stands_in and (parts.scheme, host, port) == (own.scheme, own.hostname, own.port)


async def fetch(http: aiohttp.ClientSession, url: str, settings: Settings) -> bytes:
    """The bytes behind `url`; raises `PictureNotFetched`, `FileTooLarge`. The address is never logged: it opens the picture."""
    if not may_fetch(url, settings):
        raise PictureNotFetched("the address is none of Zalo's picture hosts: it was not asked")
    try:
        async with (
            asyncio.timeout(PATIENCE_S),
            http.get(url, allow_redirects=False, headers={"Accept": "image/*,application/pdf"}) as answer,
        ):
            if answer.status != 200:
                raise PictureNotFetched(f"Zalo answered {answer.status}: the address may have expired")
            held = bytearray()
            async for some in answer.content.iter_chunked(64 * 1024):
                held += some
                if len(held) > MOST_BYTES:
                    raise FileTooLarge(f"the picture has more than {MOST_BYTES} bytes: send a smaller one")
            return bytes(held)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        log.warning("files.fetch_failed", error=type(error).__name__)
        raise PictureNotFetched("Zalo's picture host does not answer: send the picture again") from error
