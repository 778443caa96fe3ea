"""What the acts share: the house, the cast, and ways to ask as citizens do, call the API as a one-stop system does, and wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import text

from govchat.access import keys
from govchat.kit import clock
from govchat.local.samples import SampleDossier
from govchat.procedures.layer_file import FILE, read_layer_file
from govchat.rehearsal.cast import Cast, Catalogue, catalogue
from govchat.rehearsal.house import House
from govchat.simulator.people import Message
from govchat.simulator.webhooks import Delivery
from govchat.tenants.registry import Tenant

T = TypeVar("T")

# Citizens who write at the same moment; Zalo gives the webhook two seconds, and here all of it shares one processor.
AT_ONCE = 24
PATIENCE_S = 30.0
WAITING = """
    SELECT (SELECT count(*) FROM inbox_events WHERE tenant_id = :tenant AND state = 'pending' AND asks)
         + (SELECT count(*) FROM outbox_messages WHERE tenant_id = :tenant AND state IN ('queued', 'sending'))
"""

ANYTHING = """
    SELECT (SELECT count(*) FROM inbox_events WHERE tenant_id = :tenant AND state <> 'done')
         + (SELECT count(*) FROM outbox_messages WHERE tenant_id = :tenant AND state IN ('queued', 'sending'))
"""


class StepBroken(Exception):
    """An act that can't go on; the sentence is Vietnamese."""


@dataclass
class Stage:
    """See the module. `keys` are API keys by slug, `log` is what the house logs into, `asked` how often citizens awaited an answer."""

    house: House
    cast: Cast
    log: Path
    keys: dict[str, str] = field(default_factory=dict)
    neighbours_before: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    @property
    def slug(self) -> str:
        return self.cast.manifest.slug

    @property
    def today(self) -> date:
        return clock.now().astimezone(clock.VN).date()

    @property
    def tenant(self) -> Tenant:
        return self.house.registry.by_slug(self.slug)

    @property
    def catalogue(self) -> Catalogue:
        """The office's file; what the province's own file says of procedures stays out of it."""
        entries, _ = read_layer_file(self.house.settings.tenants_dir / self.slug / FILE)
        return catalogue({entry.code for entry in entries})

    async def sql(self, query: str, tenant: Tenant | None = None, **values: Any) -> list[Any]:
        """Rows of one tenant; `:tenant` is bound."""
        bound = tenant or self.tenant
        async with self.house.registry.db.tenant(bound.id) as session:
            return list((await session.execute(text(query), {"tenant": bound.id, **values})).all())

    async def count(self, query: str, tenant: Tenant | None = None, **values: Any) -> int:
        """The one number that the query answers."""
        return int((await self.sql(query, tenant, **values))[0][0])

    async def until(self, look: Callable[[], Awaitable[T]], good: Callable[[T], bool], what: str) -> T:
        """Look again and again until it is good; raises `StepBroken` with what was seen last."""
        ends = time.monotonic() + PATIENCE_S
        while True:
            seen = await look()
            if good(seen):
                return seen
            if time.monotonic() > ends:
                raise StepBroken(f"sau {PATIENCE_S:.0f} giây vẫn chưa thấy {what}; lần xem cuối: {seen}")
            await asyncio.sleep(0.05)

    async def settled(self, tenant: Tenant | None = None, waiting: str = WAITING) -> None:
        """Until every question is worked off and everything that is to be said now is said; or until `waiting` counts nothing."""
        await self.until(lambda: self.count(waiting, tenant), lambda left: left == 0, "hộp thư và hộp gửi hết việc")

    # As citizens ---------------------------------------------------------------------------------------------------

    async def ask(self, said: Sequence[tuple[str, str]]) -> list[str]:
        """Let citizens (id, words) write at once, each once; what each was answered, empty for who was not."""
        self.asked += len(said)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(user_id: str, words: str) -> None:
            async with gate:
                self.taken(await self.house.zalo.say(self.slug, user_id, words))
                await self._answered(user_id)

        await gather(one(*each) for each in said)
        await self.settled()
        return [self.heard(user_id) for user_id, _ in said]

    def taken(self, delivery: Delivery) -> None:
        """Raise `StepBroken` unless the webhook took the event, or Zalo will bring it again: on a busy machine it may be late."""
        if delivery.status not in (200, 503, 0):
            raise StepBroken(f"webhook trả lời {delivery.status} {delivery.error or delivery.answer}")

    async def _answered(self, user_id: str) -> None:
        try:
            await self.house.zalo.answers(self.slug, user_id, 1, timeout=PATIENCE_S)
        except TimeoutError:
            raise StepBroken(f"sau {PATIENCE_S:.0f} giây vẫn có công dân chưa được trả lời") from None

    def heard(self, user_id: str) -> str:
        """What the Official Account said since this citizen last did something."""
        person = self.house.zalo.world.person(self.tenant.oa_id, user_id)
        return "\n".join(message.text for message in person.answers())

    def told(self, user_id: str) -> list[Message]:
        """Everything the Official Account ever said to this citizen."""
        return [each for each in self.house.zalo.world.messages(self.tenant.oa_id, user_id) if each.outgoing]

    # As a one-stop system ------------------------------------------------------------------------------------------

    async def make_key(self, tenant: Tenant) -> str:
        """A fresh live API key of a tenant."""
        async with self.house.registry.db.tenant(tenant.id) as session:
            made = await keys.create(
                session, tenant_id=tenant.id, slug=tenant.slug, tag=tenant.key_tag, scopes=keys.SCOPES
            )
        self.keys[tenant.slug] = made.key
        return made.key

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        slug: str = "",
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """One request to `/v1` with the key of `slug`; the status and what was answered."""
        data = raw if raw is not None else msgspec.json.encode(body) if body is not None else None
        given = {"Authorization": f"Bearer {self.keys[slug or self.slug]}", **(headers or {})}
        given.setdefault("Content-Type", "application/json")
        async with self.house.http.request(method, f"{self.house.url}{path}", data=data, headers=given) as answer:
            return answer.status, msgspec.json.decode(await answer.read())

    async def put_batch(self, items: Sequence[dict[str, Any]], *, slug: str = "", once: str = "") -> list[Any]:
        """Many dossiers in one request, `once` as its Idempotency-Key; one result per item. Raises `StepBroken`."""
        headers = {"Idempotency-Key": once} if once else {}
        status, told = await self.call("POST", "/v1/dossiers/batch", {"items": items}, slug=slug, headers=headers)
        if status != 200:
            raise StepBroken(f"POST /v1/dossiers/batch trả lời {status}: {told.get('code')} {told.get('detail', '')}")
        results: list[Any] = told["results"]
        return results


def item_of(dossier: SampleDossier, **changes: Any) -> dict[str, Any]:
    """The dossier as an item of a batch."""
    fields: dict[str, Any] = msgspec.to_builtins(dossier)
    return {**fields, **changes}


def now_written() -> str:
    """This moment as one-stop systems write it."""
    return clock.now().astimezone(clock.VN).isoformat()


async def gather(acts: Iterable[Awaitable[None]]) -> None:
    """All of them; the first that fails ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            for act in acts:
                group.create_task(_of(act))
    except ExceptionGroup as several:
        raise several.exceptions[0] from None


async def _of(act: Awaitable[None]) -> None:
    await act


def first_wrong(answers: Sequence[str], good: Callable[[int, str], bool]) -> tuple[int, str]:
    """How many answers are good, and the beginning of the first that is not."""
    wrong = [answer for number, answer in enumerate(answers) if not good(number, answer)]
    return len(answers) - len(wrong), " ".join(wrong[0].split())[:160] if wrong else ""
