"""Which moves between states are lawful, that live needs a checklist without red, and that every move is noted."""

import itertools

import pytest
from tests.db.clones import clone

from govchat.audit import queries as trail
from govchat.db.session import Database
from govchat.kit.ids import tenant_id_for
from govchat.tenants.models import STATES, TenantRecord
from govchat.tenants.registry import Registry
from govchat.tenants.states import MOVES, MoveRefused, NotReady, OverrideUnusable, move

HUE = tenant_id_for("hue")
LAWFUL = {(before, to) for before, onward in MOVES.items() for to in onward}


@pytest.fixture(scope="module")
async def own(services, settings):
    return await clone(services, settings)


@pytest.fixture
async def ground(own):
    db = Database.connect(own.app_url, part="test")
    yield db
    await db.close()


async def put(db: Database, state: str) -> None:
    async with db.registry() as session:
        (await session.get_one(TenantRecord, HUE)).state = state


async def moved(db: Database, to: str, **more) -> str:
    async with db.tenant(HUE) as session:
        return await move(session, HUE, to, actor="cli:an", **more)


async def state(db: Database) -> str:
    async with db.registry() as session:
        return (await session.get_one(TenantRecord, HUE)).state


def test_the_way_leads_from_draft_to_closed_and_nowhere_from_there() -> None:
    assert set(MOVES) == set(STATES)
    assert set(itertools.pairwise(STATES)) <= LAWFUL
    assert not MOVES["closed"]
    assert ("draft", "live") not in LAWFUL


@pytest.mark.parametrize("before", STATES)
async def test_lawful_moves_are_made_and_others_refused_naming_the_lawful_ones(ground, before):
    for to in STATES:
        await put(ground, before)
        if (before, to) in LAWFUL:
            assert await moved(ground, to) == before
            assert await state(ground) == to
        else:
            with pytest.raises(MoveRefused) as refused:
                await moved(ground, to)
            assert all(each in refused.value.detail for each in MOVES[before])
            assert await state(ground) == before


async def test_a_move_is_noted_with_before_and_after(ground):
    await put(ground, "draft")
    await moved(ground, "trial")
    async with ground.tenant(HUE) as session:
        (entry,) = await trail.last(session, HUE, 1)
    assert (entry.actor, entry.act, entry.subject) == ("cli:an", "tenant.moved", "hue")
    assert (entry.before, entry.after) == ({"state": "draft"}, {"state": "trial"})


@pytest.mark.parametrize("before", ["trial", "suspended"])
async def test_red_lines_keep_a_province_from_going_live(ground, before):
    await put(ground, before)
    with pytest.raises(NotReady, match="consent, one_stop") as refused:
        await moved(ground, "live", red=["consent", "one_stop"])
    assert refused.value.extra == {"red": ["consent", "one_stop"]}
    assert await state(ground) == before
    await moved(ground, "suspended" if before == "trial" else "trial", red=["consent"])


async def test_an_override_goes_live_all_the_same_and_stands_in_the_trail(ground):
    await put(ground, "trial")
    await moved(ground, "live", red=["one_stop"], override="  Giám đốc Sở  đồng ý ")
    async with ground.tenant(HUE) as session:
        (entry,) = await trail.last(session, HUE, 1)
    assert entry.after == {"state": "live", "override": "Giám đốc Sở đồng ý", "red": ["one_stop"]}


async def test_an_override_needs_a_reason_and_something_to_override(ground):
    await put(ground, "trial")
    for words in (
        {"to": "live", "red": ["x"], "override": " "},
        {"to": "live", "override": "vì"},
        {"to": "closed", "override": "vì"},
    ):
        with pytest.raises(OverrideUnusable):
            await moved(ground, words.pop("to"), **words)
    assert await state(ground) == "trial"


async def test_every_process_sees_the_move(ground, own):
    await put(ground, "draft")
    registry = Registry(ground, own.settings)
    await registry.load()
    assert not registry.by_slug("hue").speaks
    await moved(ground, "trial")
    await registry.load()
    assert registry.by_slug("hue").speaks
