"""Working off inboxes in one process: many provinces in one batch, the citizens that need it each in a transaction of its own.

Those run beside the batches, so that a province whose citizens guess secrets keeps no other province waiting.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

import structlog

from govchat.conversation.desk import Desk
from govchat.inbox import alone, batch, receipts
from govchat.inbox.batch import Mouth, Worked
from govchat.tenants.registry import Tenant

log = structlog.get_logger()

# Citizens of all tenants, and of one, who are worked off alone at the same time.
ALONE = 6
ALONE_EACH = 2
# How long to wait before looking again at citizens whom another process holds.
HELD_S = 0.1


class Inboxes:
    """The inboxes of all tenants, as one process works them off.

    `again` is called with a tenant that has to be looked at once more; `put` with one for which messages were put that nobody holds.
    """

    def __init__(
        self, desk: Desk, *, mouth: Mouth | None, again: Callable[[UUID], None], put: Callable[[UUID], None]
    ) -> None:
        self.desk = desk
        self.registry = desk.registry
        self.mouth = mouth
        self._again = again
        self._put = put
        self._gate = asyncio.Semaphore(ALONE)
        self._gates: dict[UUID, asyncio.Semaphore] = {}
        self._alone: dict[tuple[UUID, str], asyncio.Task[None]] = {}

    async def converse(self, tenant_ids: Sequence[UUID]) -> None:
        """One batch over these tenants."""
        tenants = await self._tenants(tenant_ids)
        worked = await batch.work_off(self.desk, tenants, self.mouth, without=self._alone.keys())
        for tenant in tenants:
            one = worked[tenant.id]
            for user_id in one.alone:
                self._leave_alone(tenant, user_id)
            if one.queued:
                self._put(tenant.id)
            if one.more:
                self._again(tenant.id)
            elif one.held:
                asyncio.get_running_loop().call_later(HELD_S, self._again, tenant.id)

    async def _tenants(self, tenant_ids: Sequence[UUID]) -> list[Tenant]:
        """Whose events these are, as they stand now.

        One that doesn't serve everybody is looked at anew: it may do so since a moment ago, and what is taken for a draft's is never
        answered.
        """
        found = [await self.registry.by_id(tenant_id) for tenant_id in tenant_ids]
        if all(tenant.state == "live" for tenant in found):
            return found
        await self.registry.freshen()
        return [await self.registry.by_id(tenant_id) for tenant_id in tenant_ids]

    async def receipts(self, tenant_ids: Sequence[UUID]) -> Iterable[UUID]:
        """One batch of receipts over these tenants; answers those that may have more."""
        tenants = [await self.registry.by_id(tenant_id) for tenant_id in tenant_ids]
        done = await receipts.work_off(self.registry, tenants)
        return [tenant_id for tenant_id in tenant_ids if done.count(tenant_id) == receipts.AT_ONCE]

    async def finish(self) -> None:
        """Wait for those who are worked off alone."""
        await asyncio.gather(*self._alone.values(), return_exceptions=True)

    def _leave_alone(self, tenant: Tenant, user_id: str) -> None:
        place = (tenant.id, user_id)
        task = asyncio.create_task(self._work_off_alone(tenant, user_id))
        self._alone[place] = task
        task.add_done_callback(lambda _: self._alone.pop(place, None))

    async def _work_off_alone(self, tenant: Tenant, user_id: str) -> None:
        mine = self._gates.setdefault(tenant.id, asyncio.Semaphore(ALONE_EACH))
        try:
            async with mine, self._gate:
                _, answers = await alone.work_off(self.desk, tenant, user_id)
        except Exception as error:  # PostgreSQL may be away: the sweep looks again
            log.warning("inbox.alone_failed", tenant=tenant.slug, error=type(error).__name__)
            return
        if answers:
            self._put(tenant.id)
        # What came meanwhile was left out of the batches.
        asyncio.get_running_loop().call_soon(self._again, tenant.id)


async def drain(desk: Desk, tenant: Tenant) -> Worked:
    """One pass over one tenant, waited for: its receipts, its conversations, and those who are worked off alone."""
    done = await receipts.work_off(desk.registry, [tenant])
    worked = (await batch.work_off(desk, [tenant], None))[tenant.id]
    worked.events += len(done)
    for user_id in worked.alone:
        events, answers = await alone.work_off(desk, tenant, user_id)
        worked.events += events
        worked.answers += answers
    return worked
