"""API keys: made, shown once, recognised by hash (see `access.recognise`).

A key reads `gvc_live_<tag><random>`: the tag names the tenant (it is no secret), so the key is looked up inside that tenant's own
session and row-level security holds from the first query on.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.access.models import ApiKeyRow
from govchat.errors import DomainError
from govchat.kit.ids import new_id

SCOPES = (
    "dossiers:read", "dossiers:write", "procedures:read", "procedures:write", "campaigns:read", "campaigns:write",
    "campaigns:approve", "campaigns:emergency", "messages:read", "reports:read", "petitions:read", "petitions:write", "staff:write",
    "privacy:write", "callbacks:read", "callbacks:write",
)  # fmt: skip
TAG_LENGTH = 8
RANDOM_BYTES = 24
SEEN_EVERY = timedelta(minutes=1)


class ScopeUnknown(DomainError):
    """A scope that does not exist."""

    status = 422
    code = "scope_unknown"
    title = "No such scope"


class Unauthenticated(DomainError):
    """No key, or one that is not valid."""

    status = 401
    code = "unauthenticated"
    title = "A valid API key is needed"


class Forbidden(DomainError):
    """The key is valid but may not do this."""

    status = 403
    code = "scope_missing"
    title = "The key lacks the scope"


class NewKey(msgspec.Struct, frozen=True):
    """A key just made; `key` is shown this once."""

    key: str
    prefix: str
    tenant: str
    scopes: tuple[str, ...]
    mode: Literal["live", "test"]


class Caller(msgspec.Struct, frozen=True):
    """Who calls: a key of one tenant and what it may do."""

    key_id: UUID
    tenant_id: UUID
    prefix: str
    mode: str
    scopes: frozenset[str]


def tag_of(key: str) -> str | None:
    """The tenant tag inside a key, None when it isn't shaped like one."""
    for mode in ("gvc_live_", "gvc_test_"):
        if key.startswith(mode) and len(key) >= len(mode) + TAG_LENGTH + 16:
            return key[len(mode) : len(mode) + TAG_LENGTH]
    return None


async def create(
    session: AsyncSession, *, tenant_id: UUID, slug: str, tag: str, scopes: tuple[str, ...], test: bool = False
) -> NewKey:
    """Make a key; raises `ScopeUnknown` naming the scope."""
    for scope in scopes:
        if scope not in SCOPES:
            raise ScopeUnknown(f'scope "{scope}" does not exist: expected some of {", ".join(SCOPES)}')
    mode: Literal["live", "test"] = "test" if test else "live"
    key = f"gvc_{mode}_{tag}{secrets.token_urlsafe(RANDOM_BYTES)}"
    prefix = key[: len("gvc_live_") + TAG_LENGTH + 4]
    session.add(
        ApiKeyRow(
            tenant_id=tenant_id,
            id=new_id(),
            prefix=prefix,
            key_hash=hash_of(key),
            mode=mode,
            scopes=sorted(set(scopes)),
        )
    )
    await session.flush()
    return NewKey(key, prefix, slug, tuple(sorted(set(scopes))), mode)


def hash_of(key: str) -> bytes:
    """What is kept of a key."""
    # 192 random bits need no slow hash.
    return hashlib.sha256(key.encode()).digest()
