"""`Idempotency-Key`: a POST under /v1 that is sent again is carried out once and answered the same.

Runs around every such route. What the route does and the answer to it are one transaction: a process that dies keeps neither, so that
sending again is always right. While it runs an advisory lock says so. Answers are sealed, and forgotten after a day.
"""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.access.guards import IDENTIFIED, identify
from govchat.access.keys import Caller
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.tenants.registry import Registry

HEADER = "Idempotency-Key"
REPLAYED = (b"idempotency-replayed", b"true")
KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 255
# How soon the answer of a request that is still running is likely there, seconds.
RETRY_AFTER = 1


class KeyInvalid(DomainError):
    """The header holds no key."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "idempotency_key_invalid"
    title: ClassVar[str] = "The idempotency key is not valid"


class KeyReused(DomainError):
    """The key was used for another request."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "idempotency_key_reused"
    title: ClassVar[str] = "The idempotency key belongs to another request"


class StillRunning(DomainError):
    """The first request with this key has not ended."""

    status: ClassVar[int] = 409
    code: ClassVar[str] = "idempotency_in_progress"
    title: ClassVar[str] = "The same request is being carried out"


REFUSALS = (KeyInvalid, KeyReused, StillRunning)

TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
FIND = text(
    """
    SELECT fingerprint, status, content_type, answer_sealed FROM idempotency_keys
    WHERE tenant_id = :tenant AND key_id = :key_id AND key = :key AND expires_at > :now
    """
)
KEEP = text(
    """
    INSERT INTO idempotency_keys (tenant_id, key_id, key, fingerprint, status, content_type, answer_sealed, created_at, expires_at)
    VALUES (:tenant, :key_id, :key, :fingerprint, :status, :content_type, :sealed, :now, :expires)
    ON CONFLICT (tenant_id, key_id, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, status = excluded.status, content_type = excluded.content_type,
        answer_sealed = excluded.answer_sealed, created_at = excluded.created_at, expires_at = excluded.expires_at
    """
)
# Every answer kept takes a few that have run out with it, so that nothing else has to sweep.
FORGET = text(
    """
    DELETE FROM idempotency_keys WHERE tenant_id = :tenant AND (key_id, key) IN (
      SELECT key_id, key FROM idempotency_keys
      WHERE tenant_id = :tenant AND expires_at <= :now ORDER BY expires_at LIMIT 20 FOR UPDATE SKIP LOCKED)
    """
)


class _Undone(Exception):
    """The route refused: nothing of it is kept, its answer neither."""


class _Answer:
    """What the route sends, held back until it is kept."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def take(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return next((each["status"] for each in self.messages if each["type"] == "http.response.start"), 500)

    @property
    def content_type(self) -> str:
        start = next(each for each in self.messages if each["type"] == "http.response.start")
        return next((value.decode() for name, value in start["headers"] if name.lower() == b"content-type"), "")

    @property
    def body(self) -> bytes:
        return b"".join(each.get("body", b"") for each in self.messages if each["type"] == "http.response.body")


class _Once:
    """One request with its key, inside the province of its caller."""

    def __init__(self, caller: Caller, key: str, vault: TenantVault, fingerprint: bytes) -> None:
        self.caller, self.key, self.vault, self.fingerprint = caller, key, vault, fingerprint
        self.named = {"tenant": caller.tenant_id, "key_id": caller.key_id, "key": key}

    @property
    def context(self) -> str:
        return f"idempotency_keys.answer/{self.caller.key_id}/{self.key}"

    async def find(self, session: AsyncSession, now: datetime) -> Row[Any] | None:
        """The answer kept; raises `StillRunning`, `KeyReused`. Holds the lock from here to the end of the transaction."""
        name = f"idempotency:{self.caller.tenant_id}:{self.caller.key_id}:{self.key}"
        if not await session.scalar(TRY_LOCK, {"name": name}):
            raise StillRunning(
                f'the first request with {HEADER} "{self.key}" is still being carried out: send the same again in a moment',
                retry_after=RETRY_AFTER,
            )
        # Only a statement that begins after the lock was had sees what the one before committed.
        found = (await session.execute(FIND, {**self.named, "now": now})).one_or_none()
        if found is not None and found.fingerprint != self.fingerprint:
            raise KeyReused(
                f'{HEADER} "{self.key}" came with another address or body within the last 24 hours: '
                "use a new key for a new request, and the same body for the same key"
            )
        return found

    async def keep(self, session: AsyncSession, answer: _Answer, now: datetime) -> None:
        await session.execute(FORGET, {"tenant": self.caller.tenant_id, "now": now})
        await session.execute(
            KEEP,
            {
                **self.named,
                "fingerprint": self.fingerprint,
                "status": answer.status,
                "content_type": answer.content_type,
                "sealed": self.vault.seal(answer.body, self.context),
                "now": now,
                "expires": now + KEPT_FOR,
            },
        )


class Once(ASGIMiddleware):
    """Honours `Idempotency-Key` on every POST under /v1. Answers of 300 and above are not kept: nothing was done."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Replay, refuse, or carry out and keep."""
        if scope.get("method") != "POST" or not scope["path"].startswith("/v1/"):
            return await next_app(scope, receive, send)
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        given = request.headers.get(HEADER)
        if given is None:
            return await next_app(scope, receive, send)
        key = _readable(given)
        caller = scope["state"][IDENTIFIED] = await identify(request)
        registry: Registry = request.app.state.registry
        vault = await registry.tenant_vault(caller.tenant_id)
        once = _Once(caller, key, vault, _fingerprint(vault, scope, await request.body()))
        now, answer = clock.now(), _Answer()
        try:
            async with registry.db.whole(caller.tenant_id) as session:
                found = await once.find(session, now)
                if found is None:
                    await next_app(scope, receive, answer.take)
                    if answer.status >= 300:
                        raise _Undone
                    await once.keep(session, answer, now)
        except _Undone:
            found = None
        if found is not None:
            return await _replay(send, found, vault.open(found.answer_sealed, once.context))
        for message in answer.messages:
            await send(message)
        return None


def _readable(given: str) -> str:
    key = given.strip()
    if not key or len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise KeyInvalid(
            f"{HEADER} of {len(key)} characters: expected 1 to {LONGEST_KEY} printable ASCII characters, such as a UUID"
        )
    return key


def _fingerprint(vault: TenantVault, scope: Scope, body: bytes) -> bytes:
    query = scope["query_string"].decode("latin-1")
    return vault.index(f"{scope['path']}?{query}\n{body.decode('latin-1')}", "idempotency")


async def _replay(send: Send, found: Row[Any], body: bytes) -> None:
    headers = [(b"content-type", found.content_type.encode()), (b"content-length", str(len(body)).encode()), REPLAYED]
    await send({"type": "http.response.start", "status": found.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
