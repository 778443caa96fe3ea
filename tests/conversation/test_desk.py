"""What a process has at hand for conversations: each province's own words, read for many at once, and nobody else's."""

from collections.abc import AsyncIterator

import pytest
from tests.journeys.stage import own
from tests.stack import Services

from govchat.conversation import desk as room
from govchat.conversation.desk import Desk
from govchat.conversation.facts import facts_of, holders
from govchat.conversation.overrides import set_wording
from govchat.conversation.wording import vietnamese
from govchat.db.session import Database
from govchat.kit import clock
from govchat.procedures.book import Book
from govchat.tenants.registry import Registry

KEY = "front.greeting"


@pytest.fixture(scope="module")
async def registry(services: Services, redis_url: str) -> AsyncIterator[Registry]:
    settings = await own(services, redis_url)
    db = Database.connect(settings.database_url, part="test", pool_size=4)
    made = Registry(db, settings)
    await made.load()
    yield made
    await db.close()


async def say(registry: Registry, slug: str, said: str | None) -> None:
    tenant_id = registry.by_slug(slug).id
    async with registry.db.tenant(tenant_id) as session:
        assert await set_wording(session, tenant_id, KEY, said, actor="cli:an")


async def test_each_province_speaks_its_own_words_read_for_all_of_them_together(registry: Registry) -> None:
    await say(registry, "hue", "Huế xin chào.")
    await say(registry, "hue", "Huế kính chào.")
    await say(registry, "lam-dong", "Lâm Đồng xin chào.")
    await say(registry, "lam-dong", None)
    await say(registry, "ca-mau", "Cà Mau xin chào.")
    desk = Desk(registry, Book(registry.db, registry))
    everybody = list(registry.now.tenants.values())
    await desk.prepare(everybody)
    said = {tenant.slug: desk.words(tenant.id)(KEY) for tenant in everybody}
    product = vietnamese()(KEY)
    assert {slug: words for slug, words in said.items() if words != product} == {
        "hue": "Huế kính chào.",
        "ca-mau": "Cà Mau xin chào.",
    }
    await desk.finish()


async def test_an_edit_is_heard_beside_the_talks_and_before_the_next_one_after_a_while(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "RELOAD_S", 0.0)
    monkeypatch.setattr(room, "TOGETHER_S", 0.0)
    desk, tenant = Desk(registry, Book(registry.db, registry)), registry.by_slug("da-nang")
    await desk.prepare([tenant])
    await say(registry, "da-nang", "Đà Nẵng xin chào.")
    await desk.prepare([tenant])
    assert desk.words(tenant.id)(KEY) == vietnamese()(KEY), "nobody waits for what is read beside"
    assert desk._renewing is not None
    await desk._renewing
    assert desk.words(tenant.id)(KEY) == "Đà Nẵng xin chào."
    await say(registry, "da-nang", "Đà Nẵng kính chào.")
    monkeypatch.setattr(room, "TOO_OLD_S", 0.0)
    await desk.prepare([tenant])
    assert desk.words(tenant.id)(KEY) == "Đà Nẵng kính chào.", "words of long ago are not spoken"
    await desk.finish()


async def test_words_that_cannot_be_read_are_those_of_before(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, tenant = Desk(registry, Book(registry.db, registry)), registry.by_slug("can-tho")
    await say(registry, "can-tho", "Cần Thơ xin chào.")
    await desk.prepare([tenant])
    monkeypatch.setattr(room, "TOO_OLD_S", 0.0)
    away = Database.connect("postgresql://nobody@127.0.0.1:1/none", part="test")
    monkeypatch.setattr(registry, "db", away)
    await desk.prepare([tenant])
    await away.close()
    assert desk.words(tenant.id)(KEY) == "Cần Thơ xin chào."
    await desk.finish()


def test_who_holds_which_letter_code_is_found_once_for_all_provinces(registry: Registry) -> None:
    today = clock.now().astimezone(clock.VN).date()
    held = holders(registry.now, today)
    for tenant in registry.now.tenants.values():
        facts = facts_of(tenant, registry.now, today, held=held)
        assert facts == facts_of(tenant, registry.now, today)
        assert facts.h_codes.isdisjoint(facts.other_h_codes)
        assert facts.h_codes | facts.other_h_codes.keys() == held.keys()
