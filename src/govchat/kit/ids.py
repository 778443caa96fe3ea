"""Identifiers: UUIDv7 (RFC 9562) for rows, so that ids sort by creation and index pages stay warm."""

import os
import time
from uuid import NAMESPACE_URL, UUID, uuid5


def new_id() -> UUID:
    """A UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def tenant_id_for(slug: str) -> UUID:
    """The id of the tenant with this slug: the same on every installation, so exports and logs can be compared."""
    return uuid5(NAMESPACE_URL, f"govchat:tenant:{slug}")
