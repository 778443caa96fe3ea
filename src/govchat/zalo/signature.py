"""Checks that a webhook body was written by Zalo: raw bytes and headers in, a verdict out.

The digest is plain SHA-256 over app id, raw body, timestamp and the OA secret key (not the app secret). Where the timestamp
is taken from and whose key signs is not settled among the sources, so every combination is tried and the verdict names
the one that fitted.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Literal

import msgspec

_HEX = re.compile(r"[0-9a-fA-F]{64}")

TimestampSource = Literal["body", "header"]
Form = Literal["mac", "raw"]


class Variant(msgspec.Struct, frozen=True):
    """How a signature was made: which timestamp, whose key (the caller's label), with `mac=` before the hex or without."""

    timestamp: TimestampSource
    key: str
    form: Form

    def __str__(self) -> str:
        return f"{self.timestamp}/{self.key}/{self.form}"


class Verdict(msgspec.Struct, frozen=True):
    """`ok` with the `variant` that fitted, or not ok with the `reason`; `near_miss` names a form we know of but don't accept."""

    ok: bool
    reason: str
    variant: Variant | None = None
    near_miss: str | None = None


def sign(app_id: str, body: bytes, timestamp: str, secret: str) -> str:
    """The 64 lower-case hex digits that Zalo sends for `body`; `timestamp` in milliseconds, `secret` the OA secret key."""
    return hashlib.sha256(app_id.encode() + body + timestamp.encode() + secret.encode()).hexdigest()


def verify(
    body: bytes,
    header_signature: str | None,
    *,
    app_id: str,
    secrets: Sequence[tuple[str, str]],
    body_timestamp: str | None,
    header_timestamp: str | None,
    oa_id: str | None = None,
) -> Verdict:
    """Whether `body` carries Zalo's signature under one of `secrets` (label, key), compared in constant time.

    The body's timestamp is tried before the header's (`X-ZEvent-Timestamp`). With `oa_id` a mismatch is examined once more
    for the form that puts the OA id first: reported as `near_miss`, never accepted.
    """
    form: Form = "raw"
    digest = (header_signature or "").strip()
    if digest[:4].lower() == "mac=":
        form, digest = "mac", digest[4:].strip()
    stamps = _stamps(body_timestamp, header_timestamp)
    keys = [(label, key) for label, key in secrets if key]
    if problem := _problem(header_signature, digest, stamps, keys):
        return Verdict(ok=False, reason=problem)
    given = digest.lower()
    if variant := _match(given, app_id, body, stamps=stamps, keys=keys, form=form):
        return Verdict(ok=True, reason="signed", variant=variant)
    near = _match(given, oa_id, body, stamps=stamps, keys=keys, form=form) if oa_id else None
    return Verdict(
        ok=False, reason="the signature fits none of the keys", near_miss=f"oa_id first: {near}" if near else None
    )


def _stamps(in_body: str | None, in_header: str | None) -> list[tuple[TimestampSource, str]]:
    stamps: list[tuple[TimestampSource, str]] = [("body", in_body)] if in_body else []
    if in_header and in_header.strip() != in_body:
        stamps.append(("header", in_header.strip()))
    return stamps


def _problem(header: str | None, digest: str, stamps: Sequence[object], keys: Sequence[object]) -> str | None:
    if not header or not header.strip():
        return "no signature header"
    if not _HEX.fullmatch(digest):
        return "the signature header is not 64 hex digits"
    if not stamps:
        return "no timestamp in body or header"
    return None if keys else "no OA secret key is known yet"


def _match(
    given: str,
    first: str,
    body: bytes,
    *,
    stamps: Sequence[tuple[TimestampSource, str]],
    keys: Sequence[tuple[str, str]],
    form: Form,
) -> Variant | None:
    begun = hashlib.sha256(first.encode("utf-8", "replace"))
    begun.update(body)
    for source, stamp in stamps:
        for label, key in keys:
            whole = begun.copy()
            whole.update(stamp.encode("utf-8", "replace") + key.encode())
            if hmac.compare_digest(whole.hexdigest(), given):
                return Variant(timestamp=source, key=label, form=form)
    return None
