"""Access tokens: one refresh however many ask, committed before it is used, and a clear end when Zalo takes no refresh token any more."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import asyncpg
import msgspec
import pytest
from sqlalchemy import text
from tests.journeys.stage import environment, eventually, own
from tests.stack import Services

from govchat.cli.false_zalo import build_world
from govchat.db.session import Database
from govchat.incidents.queries import open_incidents
from govchat.kit import clock
from govchat.settings import Settings
from govchat.simulator.faults import Fault
from govchat.simulator.server import Running, start
from govchat.tenants import credentials as room
from govchat.tenants.credentials import CredentialBusy, CredentialRevoked, Credentials
from govchat.tenants.registry import Registry
from govchat.tenants.tokens import token_context
from govchat.zalo.client import ZaloClient

SLUG = "can-tho"


@dataclass
class Bank:
    """Everything around one token pair."""

    settings: Settings
    zalo: Running
    registry: Registry
    credentials: Credentials
    client: ZaloClient

    @property
    def tenant(self):  # type: ignore[no-untyped-def]
        return self.registry.by_slug(SLUG)

    @property
    def refreshes(self) -> int:
        return self.zalo.world.stats.rotations[self.tenant.oa_id]

    async def refresh_begun(self) -> None:
        """Wait until Zalo is thinking about a refresh."""

        async def struck() -> int:
            return self.zalo.world.stats.faults["latency"]

        await eventually(struck, what="the refresh")

    async def works(self, token: str) -> bool:
        return (await self.client.get_oa(token)).oa_id == self.tenant.oa_id

    async def row(self):  # type: ignore[no-untyped-def]
        async with self.registry.db.tenant(self.tenant.id) as session:
            found = await session.execute(
                text("SELECT * FROM oa_credentials WHERE oa_id = :oa"), {"oa": self.tenant.oa_id}
            )
            return found.one()

    async def set_refresh_token(self, token: str, **more: object) -> None:
        """As `govchat tenant connect` and `secret set` leave the row."""
        vault = await self.registry.tenant_vault(self.tenant.id)
        values = {
            "refresh_token_sealed": vault.seal(token.encode(), token_context(self.tenant.oa_id, "refresh_token")),
            "state": "ok",
            "access_token_sealed": None,
            "access_expires_at": None,
            **more,
        }
        names = ", ".join(f"{name} = :{name}" for name in values)
        async with self.registry.db.tenant(self.tenant.id) as session:
            await session.execute(
                text(f"UPDATE oa_credentials SET {names} WHERE oa_id = :oa"), values | {"oa": self.tenant.oa_id}
            )


@pytest.fixture
async def bank(services: Services, redis_url: str) -> AsyncIterator[Bank]:
    settings = await own(services, redis_url)
    async with await start(build_world(settings)) as zalo:
        settings = msgspec.structs.replace(
            settings, zalo_openapi_url=zalo.url, zalo_oauth_url=zalo.url, zalo_business_url=zalo.url
        )
        db = Database.connect(settings.database_url, part="test", pool_size=12)
        registry = Registry(db, settings)
        await registry.load()
        async with aiohttp.ClientSession() as http:
            client = ZaloClient(http, openapi_url=zalo.url, oauth_url=zalo.url, business_url=zalo.url)
            yield Bank(settings, zalo, registry, Credentials(registry, http, zalo.url), client)
        await db.close()


async def test_thirty_users_of_one_expired_token_cause_one_refresh(bank: Bank) -> None:
    bank.zalo.world.faults.add(Fault(kind="latency", call="token", ms=150))
    first = await asyncio.gather(*(bank.credentials.access(bank.tenant) for _ in range(30)))
    assert bank.refreshes == 1
    assert {access.token for access in first} == {first[0].token}
    bank.zalo.world.tokens.expire(bank.tenant.oa_id)
    refused = first[0].generation
    second = await asyncio.gather(*(bank.credentials.access(bank.tenant, not_generation=refused) for _ in range(30)))
    assert bank.refreshes == 2
    assert {access.generation for access in second} == {refused + 1}
    assert await bank.works(second[0].token)
    # Somebody who is told late that the old one was refused does not cause another.
    assert (await bank.credentials.access(bank.tenant, not_generation=refused)).generation == refused + 1
    assert bank.refreshes == 2


PROCESS = """
import asyncio, json, sys
import aiohttp, msgspec
from govchat.db.session import Database
from govchat.settings import Settings
from govchat.tenants.credentials import Credentials
from govchat.tenants.registry import Registry

async def main():
    settings = Settings.from_env(json.loads(sys.argv[1]))
    db = Database.connect(settings.database_url, part="test", pool_size=4)
    registry = Registry(db, settings)
    await registry.load()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    async with aiohttp.ClientSession() as http:
        credentials = Credentials(registry, http, settings.zalo_oauth_url)
        tenant = registry.by_slug(sys.argv[2])
        got = await asyncio.gather(*(credentials.access(tenant) for _ in range(10)))
    print(json.dumps([(one.token, one.generation) for one in got]), flush=True)
    await db.close()

asyncio.run(main())
"""


async def test_three_processes_of_ten_users_each_cause_one_refresh(bank: Bank) -> None:
    bank.zalo.world.faults.add(Fault(kind="latency", call="token", ms=300))
    settings = json.dumps(environment(bank.settings))
    source = Path(room.__file__).parents[2]
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROCESS, settings, SLUG,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={"PYTHONPATH": str(source)},
        )
        for _ in range(3)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    told = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    got = [tuple(pair) for out, _ in told for pair in json.loads(out.splitlines()[-1])]
    assert len(got) == 30
    assert len(set(got)) == 1
    assert bank.refreshes == 1
    assert await bank.works(got[0][0])


async def test_a_token_is_committed_before_anybody_uses_it(bank: Bank) -> None:
    access = await bank.credentials.access(bank.tenant)
    row = await bank.row()
    vault = await bank.registry.tenant_vault(bank.tenant.id)
    assert vault.open(row.access_token_sealed, token_context(row.oa_id, "access_token")).decode() == access.token
    assert row.generation == access.generation
    assert row.refresh_claimed_by is None
    # A process that dies right after the commit leaves a pair that the next one just reads.
    other = Credentials(bank.registry, bank.client.http, bank.zalo.url)
    assert await other.access(bank.tenant) == access
    assert bank.refreshes == 1
    # The pair before is kept, sealed: nothing of it stands there in the clear.
    kept = json.loads(vault.open(row.previous_sealed, token_context(row.oa_id, "previous")))
    assert kept == {"generation": 0, "refresh_token": f"dev-refresh:{row.oa_id}"}
    assert f"dev-refresh:{row.oa_id}".encode() not in bytes(row.previous_sealed)


async def test_a_pair_that_zalo_gave_survives_a_database_that_is_away_when_it_comes(
    bank: Bank,
) -> None:
    """The refresh token is spent by then: losing the new pair would cost a new consent."""
    bank.zalo.world.faults.add(Fault(kind="latency", call="token", ms=400, count=1))
    asking = asyncio.create_task(bank.credentials.access(bank.tenant))
    await bank.refresh_begun()
    # Every connection ends while Zalo answers, as when PostgreSQL restarts.
    direct = await asyncpg.connect(bank.settings.database_url)
    await direct.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
    )
    await direct.close()
    access = await asking
    assert await bank.works(access.token)
    assert bank.refreshes == 1


async def test_a_process_that_is_stopped_while_it_refreshes_still_keeps_the_new_pair(bank: Bank) -> None:
    bank.zalo.world.faults.add(Fault(kind="latency", call="token", ms=300, count=1))
    asking = asyncio.create_task(bank.credentials.access(bank.tenant))
    await bank.refresh_begun()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    access = await Credentials(bank.registry, bank.client.http, bank.zalo.url).access(bank.tenant)
    assert await bank.works(access.token)
    assert bank.refreshes == 1


async def test_a_lost_reply_to_a_refresh_ends_in_a_new_consent_not_in_a_loop(bank: Bank) -> None:
    bank.zalo.world.faults.add(Fault(kind="reply_lost", call="token", count=1))
    with pytest.raises(CredentialRevoked, match="cấp quyền lại"):
        await bank.credentials.access(bank.tenant)
    assert bank.refreshes == 1
    assert (await bank.row()).state == "needs_reconsent"
    for _ in range(3):
        with pytest.raises(CredentialRevoked, match=f"govchat secret set {SLUG} refresh-token"):
            await bank.credentials.access(bank.tenant)
    assert bank.zalo.world.stats.refused[-14020] == 1


async def test_a_refresh_that_never_reached_zalo_is_simply_done_again(bank: Bank) -> None:
    bank.zalo.world.faults.add(Fault(kind="reset", call="token", count=1))
    assert await bank.works((await bank.credentials.access(bank.tenant)).token)
    assert (await bank.row()).state == "ok"


@pytest.mark.parametrize("fault", [Fault(kind="http", status=503, call="token"), Fault(kind="reset", call="token")])
async def test_an_oauth_host_that_fails_makes_nobody_consent_again(bank: Bank, fault: Fault) -> None:
    rule = bank.zalo.world.faults.add(msgspec.structs.replace(fault))
    with pytest.raises(CredentialBusy):
        await bank.credentials.access(bank.tenant)
    bank.zalo.world.faults.remove(rule.id)
    assert (await bank.row()).state == "ok"
    assert await bank.works((await bank.credentials.access(bank.tenant)).token)


async def test_an_oauth_host_that_is_not_there_gives_the_lease_back(bank: Bank) -> None:
    nowhere = Credentials(bank.registry, bank.client.http, "http://127.0.0.1:9")
    with pytest.raises(CredentialBusy):
        await nowhere.access(bank.tenant)
    assert (await bank.row()).refresh_claimed_by is None
    assert await bank.works((await bank.credentials.access(bank.tenant)).token)


async def test_a_lease_whose_holder_died_is_taken_over(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    await bank.set_refresh_token(
        f"dev-refresh:{bank.tenant.oa_id}",
        refresh_claimed_until=clock.now() + timedelta(milliseconds=400),
        refresh_claimed_by=bank.tenant.id,
    )
    assert await bank.works((await bank.credentials.access(bank.tenant)).token)
    # One that does not end keeps a caller no longer than the patience.
    monkeypatch.setattr(room, "WAIT_S", 0.3)
    await bank.set_refresh_token("x", refresh_claimed_until=clock.now() + timedelta(hours=1))
    fresh = Credentials(bank.registry, bank.client.http, bank.zalo.url)
    with pytest.raises(CredentialBusy):
        await fresh.access(bank.tenant)


async def test_after_a_new_consent_everything_goes_on(bank: Bank) -> None:
    bank.zalo.world.tokens.revoke(bank.tenant.oa_id)
    with pytest.raises(CredentialRevoked):
        await bank.credentials.access(bank.tenant)
    world, oa_id = bank.zalo.world, bank.tenant.oa_id
    code = world.tokens.consent(bank.tenant.app.app_id, oa_id, "", world.now())
    _, pair = world.tokens.exchange(bank.tenant.app.app_id, code, "", world.now())
    await bank.set_refresh_token(pair.refresh_token)
    assert await bank.works((await bank.credentials.access(bank.tenant)).token)
    assert (await bank.row()).state == "ok"


async def test_a_token_near_its_end_is_renewed_before_it_is_used(bank: Bank) -> None:
    first = await bank.credentials.access(bank.tenant)
    with clock.shifted(timedelta(hours=24, minutes=56)):
        second = await bank.credentials.access(bank.tenant)
    assert (second.generation, bank.refreshes) == (first.generation + 1, 2)


async def test_no_error_and_no_print_of_a_token_shows_it(bank: Bank) -> None:
    access = await bank.credentials.access(bank.tenant)
    assert access.token not in repr(access)
    assert "dev-app-secret" not in repr(bank.tenant.app)


async def test_a_token_of_another_province_does_not_open_and_ends_in_a_new_consent(bank: Bank) -> None:
    other = bank.registry.by_slug("hue")
    await bank.credentials.access(bank.tenant)
    async with bank.registry.db.tenant(other.id) as session:
        theirs = (await session.execute(text("SELECT refresh_token_sealed FROM oa_credentials"))).scalar_one()

    async def put(column: str, sealed: bytes) -> Credentials:
        """As after a restoration gone wrong; a process that holds nothing in memory."""
        async with bank.registry.db.tenant(bank.tenant.id) as session:
            await session.execute(text(f"UPDATE oa_credentials SET {column} = :sealed"), {"sealed": sealed})
        return Credentials(bank.registry, bank.credentials._http, bank.zalo.url)

    # An access token that doesn't open is renewed like one that has ended.
    fresh = await (await put("access_token_sealed", theirs)).access(bank.tenant)
    assert await bank.works(fresh.token)
    bank.zalo.world.tokens.expire(bank.tenant.oa_id)
    with pytest.raises(CredentialRevoked, match="cấp quyền lại"):
        await (await put("refresh_token_sealed", theirs)).access(bank.tenant, not_generation=fresh.generation)
    assert ((await bank.row()).state, bank.refreshes) == ("needs_reconsent", 2)
    async with bank.registry.db.tenant(bank.tenant.id) as session:
        (incident,) = await open_incidents(session, bank.tenant.id)
    assert "không mở được" in incident.says
    assert f"govchat tenant connect {SLUG}" in incident.todo


async def test_what_is_stored_is_taken_up_for_many_provinces_in_one_question(bank: Bank) -> None:
    """A process that begins has the tokens at hand that others have renewed; nothing is renewed for it."""
    first = await bank.credentials.access(bank.tenant)
    everybody = list(bank.registry.now.tenants.values())
    another = Credentials(bank.registry, bank.client.http, bank.zalo.url)
    await another.take_up(everybody)
    assert {one.slug: another.at_hand(one) for one in everybody if another.at_hand(one)} == {SLUG: first}
    assert bank.refreshes == 1
    later = Credentials(bank.registry, bank.client.http, bank.zalo.url)
    with clock.shifted(timedelta(hours=25)):
        await later.take_up(everybody)
        assert later.at_hand(bank.tenant) is None, "it has ended: it is renewed, not taken up"


async def test_a_stored_token_that_does_not_open_is_left_to_be_renewed(bank: Bank) -> None:
    await bank.credentials.access(bank.tenant)
    async with bank.registry.db.tenant(bank.tenant.id) as session:
        await session.execute(text("UPDATE oa_credentials SET access_token_sealed = refresh_token_sealed"))
    another = Credentials(bank.registry, bank.client.http, bank.zalo.url)
    await another.take_up([bank.tenant])
    assert another.at_hand(bank.tenant) is None
    assert await bank.works((await another.access(bank.tenant)).token)
