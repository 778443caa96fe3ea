"""What of a petition is sealed: who speaks, what they say, where; and the words of each of its events."""

from uuid import UUID

import msgspec

from govchat.kit.crypto import TenantVault


class Private(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed part of a petition."""

    text: str
    place: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    name: str | None = None
    phone: str | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed part of an event: what was said, and by which officer."""

    note: str | None = None
    officer: str | None = None


def seal(vault: TenantVault, petition_id: UUID, private: Private) -> bytes:
    """For `petitions.private_sealed`."""
    return vault.seal(msgspec.msgpack.encode(private), f"petitions.private/{petition_id}")


def unseal(vault: TenantVault, petition_id: UUID, sealed: bytes | None) -> Private | None:
    """What was sealed, None once it was erased; raises `SealBroken`."""
    if sealed is None:
        return None
    return msgspec.msgpack.decode(vault.open(sealed, f"petitions.private/{petition_id}"), type=Private)


def seal_told(vault: TenantVault, petition_id: UUID, number: int, told: Told) -> bytes | None:
    """For `petition_events.told_sealed`; None when there is nothing to seal."""
    if told == Told():
        return None
    return vault.seal(msgspec.msgpack.encode(told), f"petition_events.told/{petition_id}/{number}")


def unseal_told(vault: TenantVault, petition_id: UUID, number: int, sealed: bytes | None) -> Told:
    """The words of an event, empty when there are none or they were erased; raises `SealBroken`."""
    if sealed is None:
        return Told()
    return msgspec.msgpack.decode(vault.open(sealed, f"petition_events.told/{petition_id}/{number}"), type=Told)
