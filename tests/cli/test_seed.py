"""`govchat seed`: followers and dossiers in any number, again and again, known to the simulator, never in production."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web
from sqlalchemy import func, select, update
from tests.cli.conftest import run
from tests.house import open_house

from govchat.citizens.models import CitizenRow
from govchat.db.session import Database
from govchat.dossiers.models import DossierEventRow, DossierRow
from govchat.kit import clock
from govchat.kit.ids import tenant_id_for
from govchat.local import followers
from govchat.local.ports import free_port

TENANT = tenant_id_for("dong-nai")


@pytest.fixture
async def db(own_settings):
    database = Database.connect(own_settings.database_url, part="test")
    yield database
    await database.close()


async def citizens(db):
    async with db.tenant(TENANT) as session:
        return list(await session.scalars(select(CitizenRow).order_by(CitizenRow.zalo_user_id)))


async def count(db, table):
    async with db.tenant(TENANT) as session:
        return await session.scalar(select(func.count()).select_from(table))


def loopback() -> str:
    return f"http://127.0.0.1:{free_port()}"


async def test_followers_interacted_just_now_and_follow(cli, db):
    began = clock.now()
    said = await cli("seed", "dong-nai", "--followers", "12", GOVCHAT_ZALO_OPENAPI_URL=loopback())
    assert said.status == 0, said.everything
    made = await citizens(db)
    assert {each.zalo_user_id for each in made} == {f"dev-dong-nai-{n}" for n in range(1, 13)}
    assert all(each.follows and began <= each.last_interaction_at <= clock.now() for each in made)
    assert {(each.id.version, each.id.variant) for each in made} == {(7, "specified in RFC 4122")}
    assert len({each.id for each in made}) == 12
    # The id tells when the row was made, as those of `kit.ids` do.
    assert all(abs((each.id.int >> 80) / 1000 - began.timestamp()) < 600 for each in made)


async def test_seeding_again_adds_nobody_and_lets_them_interact_again(cli, db):
    await cli("seed", "dong-nai", "--followers", "5", GOVCHAT_ZALO_OPENAPI_URL=loopback())
    long_ago = clock.now() - timedelta(days=30)
    async with db.tenant(TENANT) as session:
        await session.execute(update(CitizenRow).values(last_interaction_at=long_ago, follow_changed_at=long_ago))
        gone = update(CitizenRow).where(CitizenRow.zalo_user_id == "dev-dong-nai-3").values(follows=False)
        await session.execute(gone)
    before = {each.zalo_user_id: each.id for each in await citizens(db)}
    said = await cli("seed", "dong-nai", "--followers", "7", GOVCHAT_ZALO_OPENAPI_URL=loopback())
    assert "2 new, 5 refreshed" in said.out
    after = {each.zalo_user_id: each for each in await citizens(db)}
    assert len(after) == 7
    assert {name: after[name].id for name in before} == before
    assert all(each.follows and each.last_interaction_at > long_ago for each in after.values())
    changed = {name for name in before if after[name].follow_changed_at != long_ago}
    assert changed == {"dev-dong-nai-3"}


async def test_followers_come_in_batches_without_a_gap(own_settings, db, monkeypatch):
    monkeypatch.setattr(followers, "BATCH", 7)
    assert await followers.sow(db, TENANT, "dong-nai", 23, clock.now()) == 23
    assert len(await citizens(db)) == 23


async def test_the_simulator_takes_messages_to_them(own_settings):
    async with open_house(own_settings, worker=False) as house:
        said = await run(house.settings, "seed", "dong-nai", "--followers", "40")
        assert f"the simulator at {house.zalo.url} takes messages to them" in said.out, said.everything
        oa_id = house.registry.by_slug("dong-nai").oa_id
        async with house.http.get(f"{house.zalo.url}/_control/oas") as answer:
            followed = {oa["oa_id"]: oa["followers"] for oa in await answer.json()}
        assert followed.pop(oa_id) == 40
        assert set(followed.values()) == {0}


async def test_a_stand_in_that_knows_no_seeding_is_no_failure(cli, db):
    runner = web.AppRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    try:
        said = await cli("seed", "dong-nai", "--followers", "3", GOVCHAT_ZALO_OPENAPI_URL=f"http://{host}:{port}")
    finally:
        await runner.cleanup()
    assert said.status == 0
    assert "was not told of them: it answered 404" in said.out
    assert len(await citizens(db)) == 3


async def test_nobody_but_this_machine_is_told(cli, db):
    told = await followers.tell_simulator("https://openapi.zalo.me", "1", 3)
    assert (told.known, told.reason) == (False, "the Zalo in use is not on this machine")
    assert [
        followers.is_on_loopback(url) for url in ("http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1")
    ] == [True] * 3
    assert not any(
        map(followers.is_on_loopback, ("http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.example"))
    )


async def test_dossiers_are_made_once(cli, db):
    said = await cli("seed", "dong-nai", "--dossiers", "30")
    assert "30 new, 0 were there" in said.out, said.everything
    assert (await count(db, DossierRow), await count(db, DossierEventRow)) == (30, 30)
    said = await cli("seed", "dong-nai", "--dossiers", "45")
    assert "15 new, 30 were there" in said.out
    assert await count(db, DossierRow) == 45
    assert not await citizens(db)


async def test_without_numbers_a_few_of_both_are_made(cli, db):
    assert (await cli("seed", "dong-nai", GOVCHAT_ZALO_OPENAPI_URL=loopback())).status == 0
    assert await count(db, DossierRow) == 24
    assert len(await citizens(db)) == 100


async def test_production_is_never_seeded(cli, db):
    said = await cli("seed", "dong-nai", GOVCHAT_ENV="production")
    assert said.status == 1
    assert "production" in said.refusal
    assert not await citizens(db)
    assert await count(db, DossierRow) == 0


async def test_an_unknown_tenant_or_a_negative_number_is_refused(cli):
    assert 'không có đơn vị "nowhere"' in (await cli("seed", "nowhere")).refusal
    assert (await cli("seed", "dong-nai", "--followers", "-1")).status == 2


async def test_two_seedings_at_once_make_everybody_once(own_settings, db):
    await asyncio.gather(*(followers.sow(db, TENANT, "dong-nai", 200, clock.now()) for _ in range(3)))
    assert len(await citizens(db)) == 200
