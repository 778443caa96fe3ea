"""Claim – send – record: the only place where an act spans the network.

For all provinces at once: take tokens, claim that many due messages (`sending`, committed), call Zalo without holding a connection,
record the answers (committed). Tokens come before the claim, so a claimed message goes out at once: only those few are in doubt when a
process dies. Messages of one citizen go one after another, different citizens in parallel, never more than `SLOTS` per province.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine, Sequence
from typing import Any
from uuid import UUID

import structlog

from govchat.db.away import ANY_FAILURE
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.buckets import Buckets, Grant, Request
from govchat.kit.gather import Gather
from govchat.kit.ids import new_id
from govchat.kit.rounds import Rounds
from govchat.obs import metrics
from govchat.outbox.claim import Claimed, Result, Want, claim, record
from govchat.outbox.put import Lane
from govchat.sender.breaker import Breakers
from govchat.sender.room import Room
from govchat.sender.say import MOVED_ON, say, untouched, windows_of
from govchat.tenants.credentials import CredentialBusy, CredentialRevoked, Credentials
from govchat.tenants.registry import Registry, Tenant
from govchat.tenants.tokens import Access
from govchat.zalo.client import ZaloClient

log = structlog.get_logger()

# A grant that is older than this at the moment of sending is not used: with the windows' margin, Zalo never counts more than its limit.
LATE_S = 0.5
# What was claimed this long ago is not begun any more: a process that was frozen meanwhile must not say what another has settled. With the
# HTTP time-out of 10 s, nothing is on its way when `sweep.STALE_AFTER` is over.
NOT_BEGUN_S = 8.0
# What is claimed but not on its way yet is small: a look at a province that had little to send asks for little.
FIRST_LOOK = 4
# Recording is tried this often while PostgreSQL is away: what Zalo answered must not be forgotten.
RECORD_TRIES = 20
RECORDED_AT_ONCE = 500
# Results of about this long, or so many, share a record; those of campaigns are in no hurry.
RECORDS, BULK_RECORDS = (0.01, 50), (0.04, 200)
# Without tokens, a province is looked at again after this long at the earliest and at the latest.
SHORT_REST_S, LONGEST_REST_S = 0.02, 5.0
# How long what a province was served counts in full against its turn.
SERVED_HALVES_S = 10.0
# Another process is claiming for this province.
HELD_S = 0.02
# PostgreSQL is away: claims are tried again after this long, doubling.
AWAY_S, LONGEST_AWAY_S = 0.1, 2.0

NO_GRANT = Grant(0, 0, 0.0)

INTERACTIVE = (int(Lane.REPLY), int(Lane.STAFF))
BULK = (int(Lane.CAMPAIGN), int(Lane.CAMPAIGN))


class Drainer:
    """Sends what is due in some lanes, for every tenant it is told to look at; `worker` is the id under which it claims."""

    def __init__(
        self, registry: Registry, credentials: Credentials, zalo: ZaloClient, buckets: Buckets, lanes: tuple[int, int]
    ) -> None:
        self.registry = registry
        self.credentials = credentials
        self.zalo = zalo
        self.buckets = buckets
        self.lanes = lanes
        self.worker = new_id()
        self._rounds = Rounds(self._round, name="sender.round", most=128)
        self._bulk = lanes == BULK
        linger_s, enough = BULK_RECORDS if self._bulk else RECORDS
        self._recorder = Gather(self._record, most=RECORDED_AT_ONCE, linger_s=linger_s, enough=enough, parallel=2)
        self._breakers = Breakers()
        self._room = Room(bulk=self._bulk)
        self._late = Gather(self._take_late, most=RECORDED_AT_ONCE, linger_s=0.0, enough=RECORDED_AT_ONCE, parallel=2)
        self._grants: dict[UUID, Grant] = {}
        self._claims_failed = 0
        self._served: dict[UUID, float] = defaultdict(float)
        self._faded_at = 0.0
        self._looked: dict[UUID, int] = {}
        # Asked for while something was on its way: what it kept back may go when it is done.
        self._again: dict[UUID, None] = {}
        self._full: dict[UUID, None] = {}
        # A share of those without room has been asked for, and its look is not over yet.
        self._turned = False
        self._resting: dict[UUID, asyncio.TimerHandle] = {}
        self._refused: dict[UUID, int] = {}
        self._tasks: set[asyncio.Task[object]] = set()

    def look(self, *tenant_ids: UUID) -> None:
        """Something may be due for these."""
        for tenant_id in tenant_ids:
            if self._room.busy(tenant_id):
                self._again[tenant_id] = None
            if tenant_id not in self._resting:
                self._rounds.ask(tenant_id)

    async def finish(self) -> None:
        """Claim nothing more; wait until what is on its way is recorded."""
        await self._rounds.finish()
        for timer in self._resting.values():
            timer.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._recorder.finish()

    async def reserve(self, wants: Sequence[tuple[Tenant, int]]) -> list[int]:
        """Tokens and slots for that many replies of each tenant, now; none where a token, a slot or rest is missing."""
        await self.credentials.take_up(tenant for tenant, _ in wants)
        able = [
            (place, tenant, want)
            for place, (tenant, want) in enumerate(wants)
            if self.lanes[0] == Lane.REPLY
            and tenant.id not in self._resting
            and want <= self._room.free(tenant.id)
            and self._breakers.room(tenant.id, _now()) is None
            and self.credentials.at_hand(tenant, not_generation=self._refused.get(tenant.id))
        ]
        reserved = [0] * len(wants)
        if able:
            grants = await self.buckets.take_all([Request(windows_of(tenant), want) for _, tenant, want in able])
            for (place, tenant, _), grant in zip(able, grants, strict=True):
                reserved[place] = grant.granted
                self._grants[tenant.id] = grant
                self._room.hold(tenant.id, grant.granted)
        return reserved

    def adopt(self, tenant: Tenant, claimed: Sequence[Claimed], *, reserved: int) -> None:
        """Send these, which are `sending` in this worker's name already; the rest of what was reserved goes back."""
        unused, grant = reserved - len(claimed), self._grants.get(tenant.id, NO_GRANT)
        if unused:
            self._room.hold(tenant.id, -unused)
            self._start(self.buckets.give_back(windows_of(tenant), unused, grant))
        if claimed:
            self._send(tenant, self.credentials.at_hand(tenant), claimed, grant)

    async def permit(self, tenant: Tenant) -> bool:
        """Take a token for one call that is no message, such as an upload; False when the limits leave none to campaigns now."""
        grant = await self.buckets.take(windows_of(tenant), 1, first=False)
        if grant.granted and not grant.open:
            await self.buckets.give_back(windows_of(tenant), grant.granted, grant)
        return bool(grant.open)

    async def _round(self, tenant_ids: list[UUID]) -> list[UUID]:
        """Take, claim and start sending for these; answers those that still may have more."""
        wants: list[tuple[Tenant, Access, int]] = []
        try:
            await self._add_wants(tenant_ids, wants)
            return await self._serve(wants) if wants else []
        finally:
            self._room.ask(-sum(want for _, _, want in wants))
            self._turned = False
            self._look_where_there_was_no_room()

    async def _serve(self, wants: list[tuple[Tenant, Access, int]]) -> list[UUID]:
        self._fade()
        wants.sort(key=lambda want: self._served[want[0].id])
        grants = await self.buckets.take_all(
            [Request(windows_of(tenant), want, first=not self._bulk) for tenant, _, want in wants]
        )
        asked: list[Want] = []
        for (tenant, _, _), grant in zip(wants, grants, strict=True):
            most = grant.granted if self.lanes[0] == Lane.REPLY else grant.open
            if most:
                asked.append(Want(tenant.id, most, grant.open))
            else:
                self._rest(tenant, grant.wait_s)
        claimed, held, held_s = await self._claim(asked)
        most_of = {want.tenant_id: want.most for want in asked}
        unused: list[Request] = []
        again: list[UUID] = []
        for (tenant, access, want), grant in zip(wants, grants, strict=True):
            mine = claimed.get(tenant.id, [])
            self._served[tenant.id] += len(mine)
            if grant.granted > len(mine):
                unused.append(Request(windows_of(tenant), len(mine) - grant.granted, grant.slot, not self._bulk))
            if tenant.id in most_of:
                self._looked[tenant.id] = len(mine)
            self._begin(tenant, access, mine, grant)
            if tenant.id in held:
                self._rest(tenant, held_s, denied=False)
            elif mine and len(mine) == most_of[tenant.id]:
                again.append(tenant.id)
            elif grant.open < want and not self._bulk and grant.open <= sum(one.lane > Lane.REPLY for one in mine):
                # Notices may wait for what campaigns leave: asked for in vain, it is theirs as soon as there is any.
                self._look_in(tenant, max(grant.wait_s, SHORT_REST_S))
        if unused:
            self._start(self.buckets.take_all(unused))
        return again

    def _fade(self) -> None:
        """What was served counts half after a while: of provinces that share a limit, the least served takes first."""
        if _now() - self._faded_at > SERVED_HALVES_S:
            self._faded_at = _now()
            self._served = defaultdict(float, {one: count / 2 for one, count in self._served.items() if count >= 1})

    async def _claim(self, asked: Sequence[Want]) -> tuple[dict[UUID, list[Claimed]], set[UUID], float]:
        """What is claimed, for whom nothing could be, and after how long that is tried again."""
        if not asked:
            return {}, set(), HELD_S
        try:
            claimed, held = await claim(self.registry.db, self.worker, self.lanes, asked)
        except ANY_FAILURE as error:
            log.warning("sender.claim_failed", error=type(error).__name__)
            self._claims_failed += 1
            wait_s = min(AWAY_S * 2 ** min(self._claims_failed, 10), LONGEST_AWAY_S)
            return {}, {want.tenant_id for want in asked}, wait_s
        self._claims_failed = 0
        return claimed, held, HELD_S

    def _begin(self, tenant: Tenant, access: Access, mine: Sequence[Claimed], grant: Grant) -> None:
        """Send what a look has claimed, and remember what the next look has to know."""
        if self._room.busy(tenant.id):
            # Citizens who were being spoken to were left out: look again when something is done.
            self._again[tenant.id] = None
        if mine:
            self._room.hold(tenant.id, len(mine))
            self._send(tenant, access, mine, grant)
        else:
            self._breakers.probe(tenant.id, going=False)

    async def _add_wants(self, tenant_ids: list[UUID], wants: list[tuple[Tenant, Access, int]]) -> None:
        """Add whom to ask, and for how many messages: what the process has room for is shared, least-served provinces first."""
        known, waiting = self.registry.now.tenants, sorted(tenant_ids, key=self._room.busy)
        await self.credentials.take_up(known[one] for one in waiting[: max(0, self._room.left)] if one in known)
        for place, tenant_id in enumerate(waiting):
            if self._room.left <= 0:
                self._full.update(dict.fromkeys(waiting[place:]))
                break
            want = await self._want(tenant_id, self._room.share(len(waiting) - place))
            if want is not None:
                wants.append(want)
                self._room.ask(want[2])

    async def _want(self, tenant_id: UUID, share: int) -> tuple[Tenant, Access, int] | None:
        """The tenant with its token and how many messages it may be asked for; None when not now."""
        tenant = await self.registry.by_id(tenant_id)
        free = min(share, self._room.free(tenant_id))
        if not tenant.speaks:
            return None
        if self._breakers.room(tenant_id, _now()) == 0:
            self._rest(tenant, self._breakers.wait_s(tenant_id, _now()), denied=False)
            return None
        if free <= 0:
            (self._again if self._room.busy(tenant_id) else self._full)[tenant_id] = None
            return None
        access = self.credentials.at_hand(tenant, not_generation=self._refused.get(tenant_id))
        if access is None:
            self._start(self._fetch(tenant))
            return None
        if self._breakers.room(tenant_id, _now()) is not None:
            self._breakers.probe(tenant_id, going=True)
            return tenant, access, 1
        return tenant, access, free if self._bulk else min(free, max(FIRST_LOOK, 2 * self._looked.get(tenant_id, 0)))

    async def _fetch(self, tenant: Tenant) -> None:
        """Have a token at hand, then look: nobody else waits for it."""
        try:
            await self.credentials.access(tenant, not_generation=self._refused.get(tenant.id))
        except (CredentialRevoked, CredentialBusy) as error:
            log.warning("sender.no_token", tenant=tenant.slug, reason=error.code)
            return
        self._rounds.ask(tenant.id)

    def _rest(self, tenant: Tenant, wait_s: float, *, denied: bool = True) -> None:
        """No tokens, or another process is at it: look again then."""
        if denied:
            metrics.BUCKET_DENIALS.labels(metrics.tenant_label(tenant.slug), "any").inc()
            wait_s = min(max(wait_s, SHORT_REST_S), LONGEST_REST_S)

        def rested() -> None:
            self._resting.pop(tenant.id, None)
            self._rounds.ask(tenant.id)

        if tenant.id not in self._resting:
            self._resting[tenant.id] = asyncio.get_running_loop().call_later(wait_s, rested)

    def _look_in(self, tenant: Tenant, wait_s: float) -> None:
        asyncio.get_running_loop().call_later(wait_s, self.look, tenant.id)

    def _send(self, tenant: Tenant, access: Access | None, claimed: Sequence[Claimed], grant: Grant) -> None:
        groups: dict[UUID, list[Claimed]] = {}
        for message in claimed:
            groups.setdefault(message.citizen_id, []).append(message)
        for group in groups.values():
            self._start(self._say(tenant, access, group, grant))

    async def _say(self, tenant: Tenant, access: Access | None, group: Sequence[Claimed], grant: Grant) -> None:
        """Say one citizen's messages in order; after a failure the rest goes back, so that nothing overtakes."""
        results: list[Result] = []
        try:
            vault = await self.registry.tenant_vault(tenant.id)
        except DomainError as error:  # its key is gone or can't be read now: nothing is said, and nothing is lost
            log.warning("sender.no_key", tenant=tenant.slug, reason=error.code)
            access = None
        for message in group:
            behind = bool(results) and results[-1].state in ("queued", "uncertain")
            if access is None or behind or not await self._timely(tenant, grant):
                results.append(untouched(message))
            else:
                results.append(await say(self.registry.db, self.zalo, self.buckets, tenant, vault, access, message))
        if len(results) == 1:
            await self._recorder.put((tenant.id, results[0]))
        else:
            await asyncio.gather(*(self._recorder.put((tenant.id, result)) for result in results))
        self._done(tenant, results)

    async def _timely(self, tenant: Tenant, grant: Grant) -> bool:
        """Whether the message may go now: an old token goes back, and another is taken in its place; an old claim is not begun."""
        now = _now()
        late = now - grant.at > LATE_S
        self._room.note(now, late=late)
        if not late:
            return True
        if now - grant.at > NOT_BEGUN_S:
            return False
        fresh = await self._late.put((tenant, grant.slot))
        return fresh.granted == 1 and _now() - fresh.at <= LATE_S and _now() - grant.at <= NOT_BEGUN_S

    async def _take_late(self, late: list[tuple[Tenant, int]]) -> list[Grant]:
        """A token for each message whose own is too old; that one goes back to where it was taken, else it would be missed for a minute."""
        old = Counter((windows_of(tenant), slot) for tenant, slot in late)
        back = [Request(windows, -count, slot, not self._bulk) for (windows, slot), count in old.items()]
        fresh = [Request(windows_of(tenant), 1, first=not self._bulk) for tenant, _ in late]
        return (await self.buckets.take_all([*back, *fresh]))[len(back) :]

    def _done(self, tenant: Tenant, results: Sequence[Result]) -> None:
        """Free the slots; look again at what these kept waiting, and at what they left for later."""
        self._room.hold(tenant.id, -len(results))
        for result in results:
            if self._breakers.note(tenant.id, result, _now()):
                log.warning("sender.circuit_open", tenant=tenant.slug, wait_s=self._breakers.wait_s(tenant.id, _now()))
            if result.refused_generation is not None:
                self._refused[tenant.id] = max(self._refused.get(tenant.id, 0), result.refused_generation)
        later = [result.due_at for result in results if result.state == "queued" and result.due_at is not None]
        if later and (wait_s := max(0.0, (min(later) - clock.now()).total_seconds())) < LONGEST_REST_S:
            self._look_in(tenant, wait_s)
        if any(one.outcome == MOVED_ON or (one.state == "queued" and one.due_at is None) for one in results):
            self._again[tenant.id] = None
        room = not self._bulk or not self._room.busy(tenant.id) or self._room.free(tenant.id)
        if room and (tenant.id in self._again or tenant.id in self._full):
            self._again.pop(tenant.id, None)
            self._full.pop(tenant.id, None)
            if self._bulk and self._full:  # others had no room at all: theirs is the next turn
                self._full[tenant.id] = None
            else:
                self.look(tenant.id)
        self._look_where_there_was_no_room()

    def _look_where_there_was_no_room(self) -> None:
        """As many of those as there is room for now, who waited longest first, and the next when that look is over."""
        if self._full and self._room.again and not self._turned:
            # Who rests is looked at when it has rested, and stands in nobody's way here.
            waiting = [tenant_id for tenant_id in self._full if tenant_id not in self._resting]
            turn = waiting[: self._room.places]
            self._full = dict.fromkeys(waiting[self._room.places :])
            self._turned = bool(turn)
            self.look(*turn)

    def _start(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[object]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("sender.failed", error=type(error).__name__, exc_info=error)

    async def _record(self, results: list[tuple[UUID, Result]]) -> list[None]:
        """Write down what became of many messages; tried for as long as PostgreSQL may reasonably be away."""
        done: list[None] = [None] * len(results)
        for attempt in range(RECORD_TRIES):
            try:
                kept = await record(self.registry.db, self.worker, results)
            except ANY_FAILURE as error:
                log.warning("sender.record_failed", error=type(error).__name__, messages=len(results))
                await asyncio.sleep(min(0.1 * 2**attempt, 2.0))
                continue
            if kept != len(results):
                log.warning("sender.record_late", messages=len(results), kept=kept)
            return done
        log.error("sender.record_lost", messages=len(results))
        return done


def _now() -> float:
    """Seconds of the loop's clock."""
    return asyncio.get_running_loop().time()
