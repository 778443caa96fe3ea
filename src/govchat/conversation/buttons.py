"""What our buttons send back: tokens that only this province could have made, for this citizen alone.

Zalo sends a tapped button as a text like any other. A token that does not verify is therefore read as the words it is, and whatever a
citizen types, no button's act comes of it. A token says all that its act needs, so a button works whenever it is tapped.
"""

import base64
import binascii
import hmac

from govchat.kit.crypto import TenantVault

_PURPOSE = "button"
_MAC_BYTES = 9
_LONGEST = 400


def token(vault: TenantVault, user_id: str, payload: str) -> str:
    """The token of a payload for one citizen: `#` and letters."""
    said = payload.encode()
    return "#" + base64.urlsafe_b64encode(_mac(vault, user_id, said) + said).decode().rstrip("=")


def payload_of(vault: TenantVault, user_id: str, text: str) -> str | None:
    """What a tapped button stands for; None for any text that is no token of ours for this citizen."""
    if not (text.startswith("#") and _MAC_BYTES < len(text) <= _LONGEST and text.isascii()):
        return None
    try:
        raw = base64.b64decode(text[1:] + "=" * (-(len(text) - 1) % 4), altchars=b"-_", validate=True)
        said = raw[_MAC_BYTES:]
        payload = said.decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return payload if said and hmac.compare_digest(raw[:_MAC_BYTES], _mac(vault, user_id, said)) else None


def _mac(vault: TenantVault, user_id: str, said: bytes) -> bytes:
    return vault.index(f"{user_id}\0{said.decode()}", _PURPOSE)[:_MAC_BYTES]
