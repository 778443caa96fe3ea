"""Ringing for many events at once: whoever arrives while a ring is under way shares the next one."""

import asyncio
from uuid import UUID

from govchat.kit.queue import CONVERSE, Bell


class Ringer:
    """Collects tenants and rings for them in one go; Zalo's answer never waits for it."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._waiting: set[UUID] = set()
        self._task: asyncio.Task[None] | None = None

    def ring(self, tenant_id: UUID) -> None:
        """Have the tenant's inbox looked at soon."""
        self._waiting.add(tenant_id)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._waiting:
                tenants, self._waiting = self._waiting, set()
                await self._bell.ring(CONVERSE, tenants)
        finally:
            self._task = None
