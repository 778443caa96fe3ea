"""What conversations are held with in one process: the provinces' public facts, their catalogues, their own words.

Kept in memory and renewed beside the conversations, so that a citizen's message waits for none of it.
"""

import asyncio
import time
from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

import aiohttp
import structlog

from govchat.conversation.context import Context, TenantFacts
from govchat.conversation.facts import facts_of
from govchat.conversation.library import Library
from govchat.conversation.overrides import RELOAD_S, edits, wording_of
from govchat.conversation.wording import Wording, vietnamese
from govchat.files.store import Store
from govchat.kit import clock
from govchat.procedures.book import Book
from govchat.tenants.registry import Registry, Snapshot, Tenant

log = structlog.get_logger()


class Desk:
    """One per process; `prepare` before `context` and `words`. With `http`, the photos that citizens send are looked at."""

    def __init__(self, registry: Registry, book: Book, http: aiohttp.ClientSession | None = None) -> None:
        self.registry = registry
        self.book = book
        self.http = http
        self.files = Store.open(registry.settings)
        self._library: Library | None = None
        self._opening: asyncio.Task[Library] | None = None
        self._facts: dict[UUID, TenantFacts] = {}
        self._facts_of: tuple[Snapshot, date] | None = None
        self._words: dict[UUID, tuple[float, Wording]] = {}
        self._renewing: dict[UUID, asyncio.Task[None]] = {}

    @property
    def library(self) -> Library:
        """The rules and words, made on first use: a second of work, which whoever never converses is spared."""
        if self._library is None:
            self._library = Library(self.book, self.registry.settings.tenants_dir)
        return self._library

    async def open(self) -> None:
        """Make the library beside whatever else the process does."""
        if self._library is None:
            if self._opening is None:
                self._opening = asyncio.create_task(
                    asyncio.to_thread(Library, self.book, self.registry.settings.tenants_dir)
                )
            self._library = await asyncio.shield(self._opening)

    async def prepare(self, tenants: Iterable[Tenant]) -> None:
        """Have these provinces' words at hand; those that are old are read again beside the conversation."""
        await self.open()
        now = time.monotonic()
        missing = []
        self.library.look()
        for tenant in tenants:
            kept = self._words.get(tenant.id)
            if kept is None:
                missing.append(self._renew(tenant))
            elif now - kept[0] >= RELOAD_S:
                self._renew(tenant)
        if missing:
            await asyncio.gather(*missing)

    def words(self, tenant_id: UUID) -> Wording:
        """The wording to speak in."""
        kept = self._words.get(tenant_id)
        return kept[1] if kept else vietnamese()

    def context(self, tenant: Tenant, now: datetime) -> Context:
        """What steps may know besides state and event."""
        facts = self._facts_at(tenant, now.astimezone(clock.VN).date())
        return Context(now, facts, self.library.shelf(tenant))

    async def finish(self) -> None:
        """Wait for what is being read."""
        await asyncio.gather(*self._renewing.values(), return_exceptions=True)
        if self._opening is not None:
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._library is not None:
            await asyncio.gather(self._library.finish(), return_exceptions=True)

    def _facts_at(self, tenant: Tenant, today: date) -> TenantFacts:
        snapshot = self.registry.now
        if self._facts_of is None or self._facts_of[0] is not snapshot or self._facts_of[1] != today:
            self._facts, self._facts_of = {}, (snapshot, today)
        found = self._facts.get(tenant.id)
        if found is None:
            found = self._facts[tenant.id] = facts_of(tenant, snapshot, today)
        return found

    def _renew(self, tenant: Tenant) -> "asyncio.Task[None]":
        task = self._renewing.get(tenant.id)
        if task is None:
            task = self._renewing[tenant.id] = asyncio.create_task(self._read(tenant))
            task.add_done_callback(lambda _: self._renewing.pop(tenant.id, None))
        return task

    async def _read(self, tenant: Tenant) -> None:
        try:
            async with self.registry.db.tenant(tenant.id) as session:
                wording = wording_of(tenant.id, await edits(session, tenant.id))
        except Exception as error:  # the words of before, or the product's, are better than none
            log.warning("wording.not_read", tenant_id=str(tenant.id), error=type(error).__name__)
            wording = self.words(tenant.id)
        await self.library.read_words(tenant)
        self._words[tenant.id] = (time.monotonic(), wording)
