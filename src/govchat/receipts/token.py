"""The opaque token on a receipt: 24 characters that name the province, a random reference, and prove that we made them.

18 bytes in URL-safe base64: the first 4 of the tenant's id (where to look; no secret, as in API keys), 6 random, 8 of a keyed hash over
both. The key is derived from the tenant's own data key, so no province can make another's tokens, and a guess is refused before the
database is asked. Short on purpose: with an address of up to 38 characters before it the QR code keeps to 33 modules.
"""

import base64
import binascii
import hmac
import os

import msgspec

from govchat.kit.crypto import TenantVault

TAG_BYTES, REF_BYTES, MAC_BYTES = 4, 6, 8
LENGTH = (TAG_BYTES + REF_BYTES + MAC_BYTES) * 4 // 3
PURPOSE = "receipt_token"


class Parts(msgspec.Struct, frozen=True):
    """What a token says: `tag` is the tenant's, in hexadecimal."""

    tag: str
    ref: bytes
    mac: bytes


def new_ref(vault: TenantVault, tag: str) -> bytes:
    """A random reference whose token ends in a letter or digit: programs that find links in a text drop a dash at the end."""
    while True:
        ref = os.urandom(REF_BYTES)
        if make(vault, tag, ref)[-1].isalnum():
            return ref


def make(vault: TenantVault, tag: str, ref: bytes) -> str:
    """The token of a reference."""
    return base64.urlsafe_b64encode(bytes.fromhex(tag) + ref + _mac(vault, tag, ref)).decode()


def read(token: str) -> Parts | None:
    """What a token says, unproven; None for anything that is not shaped like one."""
    if len(token) != LENGTH or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    if len(raw) != TAG_BYTES + REF_BYTES + MAC_BYTES:
        return None
    return Parts(raw[:TAG_BYTES].hex(), raw[TAG_BYTES : TAG_BYTES + REF_BYTES], raw[TAG_BYTES + REF_BYTES :])


def is_ours(vault: TenantVault, parts: Parts) -> bool:
    """Whether the province whose vault this is made the token; takes the same time for every wrong one."""
    return hmac.compare_digest(_mac(vault, parts.tag, parts.ref), parts.mac)


def _mac(vault: TenantVault, tag: str, ref: bytes) -> bytes:
    return vault.index(f"{tag}{ref.hex()}", PURPOSE)[:MAC_BYTES]
