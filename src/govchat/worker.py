"""The worker: hears the bell (arq), works off inboxes, sends outboxes, and sweeps for what was missed.

`govchat worker` serves conversations and every lane but campaigns; `govchat worker --bulk` serves campaigns alone, so that a broadcast
never stands in front of a reply. Any number of either may run. When Redis goes away the sweep keeps working from PostgreSQL, and the
bell is heard again when Redis is back.
"""

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Coroutine
from typing import Any, cast
from uuid import UUID

import structlog
from arq import ArqRedis, func
from arq.worker import Worker
from redis.exceptions import RedisError

from govchat import chores
from govchat.callbacks.deliver import Deliverer
from govchat.campaigns.fanout import Fanout
from govchat.connect.backfill import Hands
from govchat.conversation.desk import Desk
from govchat.db import rls
from govchat.db.away import ANY_FAILURE, is_away
from govchat.db.session import TRANSACTION_TIMEOUT_MS, Database
from govchat.errors import ConfigurationError
from govchat.inbox.drain import Inboxes
from govchat.kit import clock
from govchat.kit.buckets import Buckets
from govchat.kit.ending import end
from govchat.kit.queue import (
    BULK_QUEUE,
    CONVERSE,
    QUEUE,
    RECEIPTS,
    SEND,
    Bell,
    arq_pool,
    await_knock,
    connect,
    decode_job,
    encode_job,
)
from govchat.kit.rounds import Rounds
from govchat.kit.turns import Turns
from govchat.obs import logs, metrics
from govchat.obs.beat import Beat
from govchat.procedures.book import Book
from govchat.sender import sweep as sweeper
from govchat.sender.drain import BULK, INTERACTIVE, Drainer
from govchat.sender.ledger import RateLedger
from govchat.settings import Settings
from govchat.tenants.credentials import Credentials
from govchat.tenants.registry import Registry
from govchat.zalo.client import ZaloClient

log = structlog.get_logger()

# Looks at the bell are at least this far apart, however often it rings: what came meanwhile is worked off together.
POLL_S = 0.1
BULK_POLL_S = 0.5
# The sweep looks at everything this often.
SWEEP_S = 5.0
RECEIPTS_S = 1.0
# With more tenants than `kit.turns.FEW`, one where nothing stirred is swept this often.
SWEEP_ALL_S = 20.0
# A job takes names, no more; one that a killed worker leaves behind keeps the bell silent for this and ten seconds, and the sweep looks.
JOB_TIMEOUT_S = 5
MAX_JOBS = 8
# Where a broadcast and replies share a machine, replies get the CPU first.
BULK_NICE = 5
OPEN_TRIES, OPEN_PAUSE_S = 30, 1.0


class Workplace:
    """What one worker process holds, and the jobs it does."""

    def __init__(self, settings: Settings, *, bulk: bool) -> None:
        part = "worker-bulk" if bulk else "worker"
        self.settings = settings
        self.bulk = bulk
        self.part = part
        self.lanes = BULK if bulk else INTERACTIVE
        self.db = Database.connect(
            settings.database_url,
            part=part,
            pool_size=4 if bulk else 10,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        )
        self.registry = Registry(self.db, settings)
        self.book = Book(self.db, self.registry)
        self.redis = connect(settings.redis_url)
        self.bell = Bell(settings.redis_url)
        self._turns = Turns(every_s=SWEEP_ALL_S)
        self._settling = Rounds(self._settle, name="worker.settle", most=1, parallel=4)
        self._closing = contextlib.AsyncExitStack()

    async def open(self) -> None:
        """Check the database, read the registry, open Zalo's client."""
        await rls.verify(self.db.engine)
        await self.registry.load()
        await self.registry.warm()
        if not self.bulk:  # campaigns say nothing of procedures
            await self.book.load()
        zalo = await self._closing.enter_async_context(
            ZaloClient.open(
                openapi_url=self.settings.zalo_openapi_url,
                oauth_url=self.settings.zalo_oauth_url,
                business_url=self.settings.zalo_business_url,
            )
        )
        credentials = Credentials(self.registry, zalo.http, self.settings.zalo_oauth_url)
        self.buckets = buckets = Buckets(self.redis, RateLedger(self.db))
        self.drainer = Drainer(self.registry, credentials, zalo, buckets, self.lanes)
        self.deliverer = Deliverer(self.registry)
        self.chores = chores.chores_of(
            Hands(self.registry, credentials, zalo, buckets, self.bell), self.book, self.drainer.look
        )
        self._asking = Rounds(self._converse, name="worker.converse")
        self.desk = Desk(self.registry, self.book, zalo.http)
        self.fanout = Fanout(
            self.registry,
            credentials,
            zalo,
            look=self.drainer.look,
            permit=self.drainer.permit,
            waiting=self.bell.heard,
        )
        self.inboxes = Inboxes(self.desk, mouth=self.drainer, again=self._asking.ask, put=self.drainer.look)
        self._receipts = Rounds(self.inboxes.receipts, name="worker.receipts", most=256, parallel=1)

    async def close(self) -> None:
        """Finish what is under way, then let go of everything."""
        await asyncio.gather(self._asking.finish(), self._receipts.finish(), self._settling.finish())
        await self.inboxes.finish()
        await self.desk.finish()
        await self.drainer.finish()
        await self.deliverer.close()
        await self.drainer.credentials.finish()
        await self._closing.aclose()
        await self.buckets.close()
        await self.bell.close()
        await self.redis.aclose()
        await self.db.close()

    def parts(self) -> list[Coroutine[Any, Any, None]]:
        """What runs for as long as the process lives."""
        always = [self.listen(), self.sweep_for_ever(), self.registry.keep_fresh()]
        if self.bulk:
            return [*always, self.fanout.run_for_ever()]
        return [
            *always,
            self.book.keep_fresh(),
            self.look_for_receipts(),
            self.deliverer.run_for_ever(),
            chores.run(self.redis, self.chores),
        ]

    async def converse(self) -> None:
        """Work off the inboxes of the tenants that were rung for."""
        self._asking.ask(*self._heard(await self.bell.take(CONVERSE)))

    async def _converse(self, tenant_ids: list[UUID]) -> None:
        await self.inboxes.converse(tenant_ids)

    async def send(self) -> None:
        """Send the outboxes of the tenants that were rung for."""
        self.drainer.look(*self._heard(await self.bell.take(SEND, bulk=self.bulk)))

    def _heard(self, names: list[UUID]) -> list[UUID]:
        """Whoever was rung for is looked at by every part for a while."""
        self._turns.stir(*names)
        self.deliverer.stir(*names)
        self.fanout.turns.stir(*names)
        return names

    async def look_for_receipts(self) -> None:
        """Work off receipts about a second after they came: many at once, and nobody waits for them."""
        while True:
            await asyncio.sleep(RECEIPTS_S)
            self._receipts.ask(*await self.bell.take(RECEIPTS))

    async def sweep_for_ever(self) -> None:
        """Every few seconds: look at tenants with something due, whoever may have missed the bell."""
        while True:
            try:
                await self.sweep()
            except Exception as error:  # PostgreSQL may be away: look again later
                log.warning("worker.sweep_failed", error=type(error).__name__)
            await asyncio.sleep(SWEEP_S)

    async def sweep(self) -> None:
        """One look at the tenants whose turn it is."""
        found = await sweeper.due(self.db, self._turns.next(self.registry.now.tenants), bulk=self.bulk)
        # Campaigns' messages are many for long, and the drainer goes on with them by itself.
        self._turns.stir(*(due.tenant for due in found if due.stale or not self.bulk))
        now = clock.now()
        if not self.bulk:
            metrics.INBOX_LAG.set(max(((now - due.inbox).total_seconds() for due in found if due.inbox), default=0))
            metrics.OUTBOX_LAG.set(max(((now - due.outbox).total_seconds() for due in found if due.outbox), default=0))
            self._asking.ask(*(due.tenant for due in found if due.inbox))
            self._receipts.ask(*(due.tenant for due in found if due.receipts))
        self.drainer.look(*(due.tenant for due in found if due.outbox))
        self._settling.ask(*(due.tenant for due in found if due.stale))

    async def _settle(self, tenant_ids: list[UUID]) -> None:
        """Settle what a crash left uncertain."""
        for tenant_id in tenant_ids:
            tenant = await self.registry.by_id(tenant_id)
            if await sweeper.sweep(self.drainer, tenant, self.lanes):
                self.drainer.look(tenant_id)

    def arq(self, pool: ArqRedis) -> Worker:
        """A fresh arq worker of this workplace."""
        jobs = {SEND: self.send} if self.bulk else {CONVERSE: self.converse, SEND: self.send}

        def job(name: str) -> Any:
            async def hear(_: dict[Any, Any]) -> None:
                await jobs[name]()

            return func(cast("Any", hear), name=name, timeout=JOB_TIMEOUT_S, keep_result=0, max_tries=1)

        async def after(ctx: dict[Any, Any]) -> None:
            await self.bell.ring_if_missed(str(ctx["job_id"]).partition(":")[0], bulk=self.bulk)

        return Ear(
            functions=[job(name) for name in jobs],
            queue_name=BULK_QUEUE if self.bulk else QUEUE,
            redis_pool=pool,
            after_job_end=after,
            handle_signals=False,
            max_jobs=MAX_JOBS,
            poll_delay=BULK_POLL_S if self.bulk else POLL_S,
            job_serializer=encode_job,
            job_deserializer=decode_job,
            log_results=False,
        )

    async def listen(self) -> None:
        """Hear the bell; when Redis goes away, hear it again as soon as it is back."""
        pause = 0.2
        while True:
            pool = arq_pool(self.settings.redis_url)
            worker = self.arq(pool)
            try:
                await _until_cancelled(worker)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("worker.redis_away", error=type(error).__name__)
            finally:
                # Jobs under way may finish: what they hold is rows, and the sweep finds what they leave.
                await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
                await pool.aclose(close_connection_pool=True)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)


class Ear(Worker):
    """arq's worker, which waits to be rung for instead of looking ten times a second."""

    _looked = False

    async def _poll_iteration(self) -> None:
        if self._looked:  # what was rung before this process began is looked at first
            await await_knock(self.pool, self.queue_name)
        self._looked = True
        await super()._poll_iteration()


async def _until_cancelled(worker: Worker) -> None:
    """arq's loop. A cancellation now and then gets lost inside it (seen with arq 0.28 on Python 3.11): it is given again."""
    hearing = asyncio.create_task(worker.async_run())
    try:
        await asyncio.wait({hearing})
    finally:
        await end([hearing], again_s=0.1)
    hearing.result()


async def _warm(place: Workplace) -> None:
    """Load what the first message would wait for; then leave what stays for ever out of every look for garbage."""
    if not place.bulk:
        await place.desk.open()
    gc.collect()
    gc.freeze()


async def _open(place: Workplace) -> None:
    """Open it; who starts while PostgreSQL is away waits for it as long as a restart may take."""
    for left in reversed(range(OPEN_TRIES)):
        try:
            await place.open()
        except ANY_FAILURE as error:
            if not left or not is_away(error):
                raise
            log.warning("worker.database_away", error=type(error).__name__)
            await asyncio.sleep(OPEN_PAUSE_S)
        else:
            return


async def run(settings: Settings, *, bulk: bool) -> None:
    """Work until SIGTERM or SIGINT."""
    logs.configure("worker-bulk" if bulk else "worker", settings.log_format)
    if not settings.database_url or not settings.redis_url:
        raise ConfigurationError("GOVCHAT_DATABASE_URL and GOVCHAT_REDIS_URL must be set, or run beside `govchat up`")
    if bulk:
        os.nice(BULK_NICE)
    place = Workplace(settings, bulk=bulk)
    await _open(place)
    log.info("worker.started", pid=os.getpid(), worker=str(place.drainer.worker))
    beat = Beat(place.redis, place.part)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(part) for part in (*place.parts(), beat.run())]
    warming = asyncio.create_task(_warm(place))
    stopped = asyncio.create_task(stop.wait())
    # A part that ends by itself has failed: a process that only half works is worse than one that is started again.
    await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    failed = [task for task in tasks if task.done()]
    await end([warming, *tasks])
    await beat.leave()
    await place.close()
    log.info("worker.stopped")
    for task in failed:
        task.result()
