"""The scan hook: clamd's INSTREAM where `GOVCHAT_CLAMD` names one (`tcp://host:3310` or `unix:///run/clamd.sock`)."""

import asyncio
from typing import Literal
from urllib.parse import urlsplit

import structlog

from govchat.errors import DomainError

log = structlog.get_logger()

CHUNK = 64 * 1024
PATIENCE_S = 30.0


class FileInfected(DomainError):
    """The scanner found something."""

    status = 422
    code = "file_infected"
    title = "The file holds harmful software"


class ScannerAway(DomainError):
    """A scanner is configured and did not answer: nothing is taken unseen."""

    status = 503
    code = "scanner_away"
    title = "The scanner does not answer"


async def scan(clamd: str, content: bytes) -> Literal["none", "clean"]:
    """`none` without a scanner; raises `FileInfected`, `ScannerAway`."""
    if not clamd:
        return "none"
    try:
        async with asyncio.timeout(PATIENCE_S):
            verdict = await _ask(clamd, content)
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        log.warning("files.scanner_away", error=type(error).__name__)
        raise ScannerAway("the scanner does not answer: send the file again later") from error
    if verdict.endswith("OK"):
        return "clean"
    if verdict.endswith("FOUND"):
        log.warning("files.infected", verdict=verdict[:120])
        raise FileInfected("the scanner found harmful software in the file: it was not kept")
    log.warning("files.scanner_refused", verdict=verdict[:120])
    raise ScannerAway("the scanner could not read the file: send it again later")


async def _ask(clamd: str, content: bytes) -> str:
    parts = urlsplit(clamd)
    if parts.scheme == "unix":
        reader, writer = await asyncio.open_unix_connection(parts.path)
    else:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 3310)
    try:
        writer.write(b"zINSTREAM\0")
        for start in range(0, len(content), CHUNK):
            piece = content[start : start + CHUNK]
            writer.write(len(piece).to_bytes(4) + piece)
            await writer.drain()
        writer.write((0).to_bytes(4))
        await writer.drain()
        return (await reader.readuntil(b"\0")).rstrip(b"\0").decode(errors="replace").strip()
    finally:
        writer.close()
