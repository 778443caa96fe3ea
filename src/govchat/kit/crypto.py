"""Sealed values: AES-256-GCM bound to the place where they stand.

A `Vault` seals under the master keys (newest first, older ones still open); a `TenantVault` under one tenant's data key. Every value
is bound to a context such as `oa_credentials.refresh_token/<tenant>/<oa>`: moved to another row or column it does not open. A vault
belongs to one environment: what production sealed does not open in development, not even under the same master key.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE = 12


class SealBroken(Exception):
    """A sealed value does not open: another key, another place, or damaged. The message names the place, never the value."""


class SealElsewhere(SealBroken):
    """Sealed in another environment, where it stays."""


class SealDisplaced(SealBroken):
    """The key is there and the value does not open: it was moved here from another place, or damaged. Other values are not concerned."""


def _stretch(key: str) -> bytes:
    """32 key bytes from a configured master key: base64 of 32 bytes as it is, anything else hashed."""
    try:
        raw = base64.b64decode(key, validate=True)
    except binascii.Error:
        raw = b""
    return raw if len(raw) == 32 else hashlib.blake2b(key.encode(), digest_size=32, person=b"govchat-master").digest()


def _derive(key: bytes, purpose: str) -> bytes:
    return hashlib.blake2b(purpose.encode(), key=key, person=b"govchat-derive", digest_size=32).digest()


ENVIRONMENTS = ("development", "production")


def _purpose(name: str, environment: str) -> str:
    """Development's keys are derived without its name, as they were before environments were told apart."""
    return name if environment == "development" else f"{name}/{environment}"


class Vault:
    """Seals under the newest master key, opens with any of them, within one environment."""

    def __init__(self, master_keys: Sequence[str], environment: str = "development") -> None:
        if not master_keys:
            raise ValueError("a vault needs at least one master key")
        stretched = list(dict.fromkeys(_stretch(key) for key in master_keys))
        self.environment = environment
        self._ciphers = {self._id(key): AESGCM(_derive(key, _purpose("seal", environment))) for key in stretched}
        self._newest = self._id(stretched[0])
        self._marks = [_derive(key, _purpose("mark", environment)) for key in stretched]
        self._elsewhere = {
            _derive(key, _purpose("id", other))[:4]: other
            for key in stretched
            for other in ENVIRONMENTS
            if other != environment
        }
        self.log_key = _derive(stretched[-1], "log")

    def _id(self, key: bytes) -> bytes:
        return _derive(key, _purpose("id", self.environment))[:4]

    @property
    def key_ids(self) -> tuple[str, ...]:
        """How the configured master keys are named where they must be told apart, newest first; nothing can be read back from it."""
        return tuple(key_id.hex() for key_id in self._ciphers)

    def key_of(self, sealed: bytes) -> str:
        """The name of the master key that `sealed` stands under."""
        return sealed[1:5].hex()

    def is_newest(self, sealed: bytes) -> bool:
        """Whether `sealed` stands under the newest master key."""
        return sealed[:1] == _VERSION and sealed[1:5] == self._newest

    def seal(self, plain: bytes, context: str) -> bytes:
        """Version, key id, nonce, ciphertext."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._newest].encrypt(nonce, plain, context.encode())
        return _VERSION + self._newest + nonce + sealed

    def open(self, sealed: bytes, context: str) -> bytes:
        """The plain bytes; raises `SealBroken`."""
        cipher = self._ciphers.get(sealed[1:5])
        if sealed[:1] == _VERSION and (other := self._elsewhere.get(sealed[1:5])):
            raise SealElsewhere(
                f"{context}: sealed in the environment {other}, this is {self.environment}: credentials stay where they were made"
            )
        if sealed[:1] != _VERSION or cipher is None:
            raise SealBroken(f"{context}: sealed under a master key that is not configured")
        try:
            return cipher.decrypt(sealed[5 : 5 + _NONCE], sealed[5 + _NONCE :], context.encode())
        except (InvalidTag, ValueError):  # ValueError: cut off within the nonce
            raise SealDisplaced(f"{context}: the sealed value does not belong here or is damaged") from None

    def reseal(self, sealed: bytes, context: str) -> bytes:
        """The same value under the newest master key, bound to the same place; raises `SealBroken`."""
        return self.seal(self.open(sealed, context), context)

    def mark(self, value: bytes, purpose: str) -> bytes:
        """A signature by which this installation knows a value again that it handed out."""
        return hmac.digest(self._marks[0], purpose.encode() + b"\0" + value, "sha256")

    def is_marked(self, value: bytes, mark: bytes, purpose: str) -> bool:
        """Whether `mark`, at least its first 16 bytes, was made for `value` under any of the master keys."""
        told = purpose.encode() + b"\0" + value
        return len(mark) >= 16 and any(
            hmac.compare_digest(hmac.digest(key, told, "sha256")[: len(mark)], mark) for key in self._marks
        )

    def new_tenant_key(self, tenant: str) -> bytes:
        """A fresh data key for a tenant, wrapped."""
        return self.seal(os.urandom(32), f"tenant_keys.wrapped_key/{tenant}")

    def tenant(self, tenant: str, wrapped_key: bytes) -> "TenantVault":
        """The tenant's own vault."""
        return TenantVault(tenant, self.open(wrapped_key, f"tenant_keys.wrapped_key/{tenant}"))


class TenantVault:
    """Seals and indexes one tenant's values."""

    __slots__ = ("_cipher", "_index_key", "_tenant")

    def __init__(self, tenant: str, data_key: bytes) -> None:
        self._tenant = tenant
        self._cipher = AESGCM(_derive(data_key, "seal"))
        self._index_key = _derive(data_key, "index")

    def seal(self, plain: bytes, context: str) -> bytes:
        """Nonce and ciphertext, bound to the tenant and `context`."""
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, f"{self._tenant}/{context}".encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """The plain bytes; raises `SealBroken`."""
        if sealed[:1] != _VERSION:
            raise SealBroken(f"{context}: sealed by another version, or damaged")
        try:
            return self._cipher.decrypt(
                sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], f"{self._tenant}/{context}".encode()
            )
        except (InvalidTag, ValueError):
            raise SealDisplaced(f"{context}: the sealed value does not belong here or is damaged") from None

    def index(self, value: str, purpose: str) -> bytes:
        """A keyed hash to compare and look up by: equal values of one tenant and purpose meet, nothing can be read back."""
        return hmac.digest(self._index_key, f"{purpose}\0{value}".encode(), "sha256")
