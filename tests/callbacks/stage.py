"""What the tests of callbacks have at hand: a receiver, its check of signatures, and the acts on a province."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aiohttp import web
from sqlalchemy import select

from govchat.callbacks import endpoints
from govchat.callbacks.deliver import Deliverer
from govchat.callbacks.guard import networks
from govchat.callbacks.models import CallbackDeliveryRow
from govchat.callbacks.put import put
from govchat.callbacks.schemas import CallbackIn, NewCallback
from govchat.tenants.registry import Registry

LOOPBACK = ("127.0.0.0/8",)


@dataclass
class Receiver:
    """Answers `statuses` in turn, then 204; with `gate` set it answers when that opens."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    gate: asyncio.Event | None = None
    at_once: int = 0
    most_at_once: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.got.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
            self.came.set()
            if self.gate is not None:
                await self.gate.wait()
            return web.Response(status=self.statuses.pop(0) if self.statuses else 204, headers=self.headers)
        finally:
            self.at_once -= 1

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.got) < count:
                self.came.clear()
                await self.came.wait()


def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Standard Webhooks' verification, written from its specification."""
    assert secret.startswith("whsec_")
    key = base64.b64decode(secret[len("whsec_") :])
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body.decode()}"
    wanted = base64.b64encode(hmac.new(key, content.encode(), hashlib.sha256).digest()).decode()
    given = [each.partition(",") for each in headers["webhook-signature"].split()]
    return any(version == "v1" and hmac.compare_digest(signature, wanted) for version, _, signature in given)


@dataclass
class Stage:
    """Everything at hand; `a` and `b` are two provinces."""

    registry: Registry
    deliverer: Deliverer

    def tenant(self, slug: str) -> UUID:
        return self.registry.by_slug(slug).id

    async def add(self, slug: str, url: str, **given: Any) -> NewCallback:
        tenant_id = self.tenant(slug)
        vault = await self.registry.tenant_vault(tenant_id)
        async with self.registry.db.tenant(tenant_id) as session:
            return await endpoints.add(
                session, vault, tenant_id, CallbackIn(url=url, **given), networks(LOOPBACK), "cli:test"
            )

    async def put(self, slug: str, kind: str = "notice.delivered", body: Any = None) -> int:
        tenant_id = self.tenant(slug)
        vault = await self.registry.tenant_vault(tenant_id)
        async with self.registry.db.tenant(tenant_id) as session:
            return await put(session, vault, tenant_id, kind, body or {"message": "m-1"})

    async def rows(self, slug: str, endpoint_id: UUID) -> list[CallbackDeliveryRow]:
        tenant_id = self.tenant(slug)
        async with self.registry.db.tenant(tenant_id) as session:
            found = await session.scalars(
                select(CallbackDeliveryRow)
                .where(CallbackDeliveryRow.tenant_id == tenant_id, CallbackDeliveryRow.endpoint_id == endpoint_id)
                .order_by(CallbackDeliveryRow.message_id)
            )
            return list(found)

    async def act(self, slug: str, what: Callable[..., Any], *given: Any, **named: Any) -> Any:
        tenant_id = self.tenant(slug)
        async with self.registry.db.tenant(tenant_id) as session:
            return await what(session, tenant_id, *given, **named)
