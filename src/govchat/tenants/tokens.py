"""How a token pair stands in its row: sealed, bound to the column and the Official Account."""

from datetime import datetime, timedelta

import msgspec

from govchat.kit.crypto import SealBroken, TenantVault
from govchat.tenants.models import OaCredentialRow

# Zalo's refresh tokens live three months and are single use (facts of 2026-11).
REFRESH_TOKEN_LIFE = timedelta(days=90)
EXPIRING_BEFORE = timedelta(days=14)


class Access(msgspec.Struct, frozen=True):
    """An access token and the generation it belongs to; never printed."""

    token: str
    generation: int
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Access(generation={self.generation})"


def token_context(oa_id: str, column: str) -> str:
    """Where a token stands, for sealing."""
    return f"oa_credentials.{column}/{oa_id}"


def read_access(row: OaCredentialRow, vault: TenantVault) -> Access | None:
    """The row's access token, None when it holds none, or one that does not open: it is renewed like one that has ended."""
    if row.access_token_sealed is None or row.access_expires_at is None:
        return None
    try:
        token = vault.open(row.access_token_sealed, token_context(row.oa_id, "access_token")).decode()
    except SealBroken:
        return None
    return Access(token, row.generation, row.access_expires_at)


def credential_state(row: OaCredentialRow | None, now: datetime) -> str:
    """`ok`, `expiring` (the refresh token lapses within two weeks), `needs_reconsent` or `missing`."""
    if row is None or row.refresh_token_sealed is None:
        return "missing"
    if row.state == "needs_reconsent":
        return "needs_reconsent"
    issued = row.refresh_issued_at
    if issued is not None and issued + REFRESH_TOKEN_LIFE - EXPIRING_BEFORE < now:
        return "expiring"
    return "ok"


def keep_previous(row: OaCredentialRow, vault: TenantVault) -> bytes | None:
    """The token that is being replaced, sealed as a rotation keeps it; None when it does not open, which is a reason to replace it."""
    assert row.refresh_token_sealed is not None
    try:
        old = vault.open(row.refresh_token_sealed, token_context(row.oa_id, "refresh_token")).decode()
    except SealBroken:
        return None
    pair = msgspec.json.encode({"generation": row.generation, "refresh_token": old})
    return vault.seal(pair, token_context(row.oa_id, "previous"))
