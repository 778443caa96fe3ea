"""Signatures in the manner of Standard Webhooks (standardwebhooks.com, v1): HMAC-SHA256 over id, time and body.

`webhook-signature` holds one signature per secret, separated by blanks, so that a receiver can change its secret in its own time.
"""

import base64
import hmac
import os
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A secret to show once."""
    return PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def headers(message_id: UUID, at: datetime, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """The three headers of one attempt; `at` is the moment of the attempt."""
    stamp = str(int(at.timestamp()))
    signed = f"{message_id}.{stamp}.".encode() + body
    made = (
        base64.b64encode(hmac.digest(base64.b64decode(secret.removeprefix(PREFIX)), signed, "sha256")).decode()
        for secret in secrets
    )
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in made),
    }
