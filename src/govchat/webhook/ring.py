"""Ringing for many events at once: whoever arrives while a ring is under way shares the next one."""

import asyncio
from uuid import UUID

from govchat.kit.queue import CONVERSE, RECEIPTS, Bell


class Ringer:
    """Collects tenants and rings for them in one go; Zalo's answer never waits for it."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._asking: set[UUID] = set()
        self._receipts: set[UUID] = set()
        self._task: asyncio.Task[None] | None = None

    def ring(self, tenant_id: UUID, *, asks: bool) -> None:
        """Have the tenant's inbox looked at: soon where somebody waits for an answer, within a second or two otherwise."""
        (self._asking if asks else self._receipts).add(tenant_id)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._asking or self._receipts:
                asking, self._asking = self._asking, set()
                receipts, self._receipts = self._receipts, set()
                if asking:
                    await self._bell.ring(CONVERSE, asking)
                if receipts:
                    await self._bell.leave(RECEIPTS, receipts)
        finally:
            self._task = None
