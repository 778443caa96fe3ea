"""What conversations are held with in one process: the provinces' public facts, their catalogues, their own words.

Kept in memory and renewed beside the conversations, so that a citizen's message waits for none of it.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

import aiohttp
import msgspec
import structlog

from govchat.conversation.context import Context, TenantFacts
from govchat.conversation.facts import facts_of, holders
from govchat.conversation.library import Library
from govchat.conversation.overrides import RELOAD_S, laid_over, texts_of
from govchat.conversation.wording import Wording, vietnamese
from govchat.files.store import Store
from govchat.kit import clock
from govchat.procedures.book import Book
from govchat.tenants.registry import Registry, Snapshot, Tenant

log = structlog.get_logger()

# Words this old are read again before they are spoken: nobody did so for a while.
TOO_OLD_S = 60.0
# Whose words have grown old within this long are read together.
TOGETHER_S = 1.0


class Heard(msgspec.Struct, frozen=True):
    """What a province says in words of its own, when that was read, and the wording it makes."""

    at: float
    texts: dict[str, str | None]
    wording: Wording


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
        self._held: dict[str, str] = {}
        self._words: dict[UUID, Heard] = {}
        self._aged: dict[UUID, Tenant] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

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
        """Have these provinces' words at hand; those that are old are read again beside the conversation, many provinces together."""
        await self.open()
        now = time.monotonic()
        missing = []
        self.library.look()
        for tenant in tenants:
            kept = self._words.get(tenant.id)
            if kept is None or now - kept.at >= TOO_OLD_S:
                missing.append(tenant)
            elif now - kept.at >= RELOAD_S:
                self._aged[tenant.id] = tenant
        if self._aged and self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
        if missing:
            await self._read(missing)

    def words(self, tenant_id: UUID) -> Wording:
        """The wording to speak in."""
        kept = self._words.get(tenant_id)
        return kept.wording if kept else vietnamese()

    def context(self, tenant: Tenant, now: datetime) -> Context:
        """What steps may know besides state and event."""
        facts = self._facts_at(tenant, now.astimezone(clock.VN).date())
        return Context(now, facts, self.library.shelf(tenant))

    async def finish(self) -> None:
        """Wait for what is being read."""
        self._ending.set()
        if self._renewing is not None:
            await asyncio.gather(self._renewing, return_exceptions=True)
        if self._opening is not None:
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._library is not None:
            await asyncio.gather(self._library.finish(), return_exceptions=True)

    def _facts_at(self, tenant: Tenant, today: date) -> TenantFacts:
        snapshot = self.registry.now
        if self._facts_of is None or self._facts_of[0] is not snapshot or self._facts_of[1] != today:
            self._facts, self._facts_of = {}, (snapshot, today)
            self._held = holders(snapshot, today)
        found = self._facts.get(tenant.id)
        if found is None:
            found = self._facts[tenant.id] = facts_of(tenant, snapshot, today, held=self._held)
        return found

    async def _renew(self) -> None:
        """Read again what is old, a moment after the first of it was asked for: whoever comes meanwhile shares the look."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), TOGETHER_S)
        aged, self._aged = self._aged, {}
        try:
            await self._read(list(aged.values()))
        finally:
            self._renewing = None

    async def _read(self, tenants: Sequence[Tenant]) -> None:
        try:
            texts = await texts_of(self.registry.db, [tenant.id for tenant in tenants])
        except Exception as error:  # the words of before, or the product's, are better than none
            log.warning("wording.not_read", tenants=len(tenants), error=type(error).__name__)
            texts = {}
        await self.library.read_words(*tenants)
        for tenant in tenants:
            self._hear(tenant.id, texts.get(tenant.id))

    def _hear(self, tenant_id: UUID, texts: dict[str, str | None] | None) -> None:
        kept, now = self._words.get(tenant_id), time.monotonic()
        if texts is None or (kept is not None and kept.texts == texts):
            self._words[tenant_id] = msgspec.structs.replace(kept, at=now) if kept else Heard(now, {}, vietnamese())
        else:
            self._words[tenant_id] = Heard(now, texts, laid_over(tenant_id, texts))
