"""Whose API key it is, asked for many requests in one round trip.

Nothing is remembered: each request's key is read after the request has come, so that a revoked key is refused from the next request on.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from govchat.access.keys import SEEN_EVERY, Caller, Unauthenticated, hash_of
from govchat.db.session import Database
from govchat.kit import clock
from govchat.kit.gather import Gather

# Under load those that come within this time share a round trip; a lone one waits for nobody.
LINGER_S = 0.015
ENOUGH = 32
MOST = 200
PARALLEL = 2

RECOGNISE = "SELECT * FROM api_keys_recognise($1, $2, $3, $4)"


class _Shown(msgspec.Struct, frozen=True):
    """A key as it was shown to us."""

    tenant_id: UUID
    key_hash: bytes


class Doorman:
    """Recognises the callers of one process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._gather = Gather(self._look, most=MOST, linger_s=LINGER_S, enough=ENOUGH, parallel=PARALLEL)

    async def recognise(self, tenant_id: UUID, key: str) -> Caller:
        """Who holds this key; raises `Unauthenticated`. Its last use is noted at most once a minute."""
        return await self.recognise_hash(tenant_id, hash_of(key))

    async def recognise_hash(self, tenant_id: UUID, key_hash: bytes) -> Caller:
        """Who holds the key with this hash, as a session names it; raises `Unauthenticated`."""
        found = await self._gather.put(_Shown(tenant_id, key_hash))
        if found is None:
            raise Unauthenticated("the API key is not known or was revoked: make one with `govchat key create`")
        return found

    async def _look(self, shown: list[_Shown]) -> list[Caller | None]:
        now: datetime = clock.now()
        rows = await self._db.rows(
            RECOGNISE, [each.tenant_id for each in shown], [each.key_hash for each in shown], now, now - SEEN_EVERY
        )
        found: list[Caller | None] = [None] * len(shown)
        for row in rows:
            place: int = row["place"] - 1
            found[place] = _caller(shown[place].tenant_id, row)
        return found


def _caller(tenant_id: UUID, row: Any) -> Caller:
    return Caller(row["id"], tenant_id, row["prefix"], row["mode"], frozenset(row["scopes"]))
