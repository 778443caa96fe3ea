"""What a crash leaves in doubt: settled by Zalo's echo, by its history, else by the contract."""

from datetime import timedelta

import pytest
from tests.house import House
from tests.outbox.test_claim import claimed
from tests.sender.stage import say, states

from govchat.kit.ids import new_id
from govchat.outbox import settle
from govchat.outbox.put import Lane, echo_hash
from govchat.tenants.registry import Tenant

NOW = timedelta(0)


async def doubtful(desk: House, tenant: Tenant, user: str, *texts: str, lane: Lane = Lane.REPLY) -> None:
    """Messages whose sender died between Zalo's answer and our record."""
    await say(desk, tenant, user, *texts, lane=lane, key=str(new_id()))
    assert len(await claimed(desk, tenant)) == len(texts)


async def mark(desk: House, tenant: Tenant, after: timedelta = NOW) -> int:
    async with desk.registry.db.tenant(tenant.id) as session:
        return await settle.mark_uncertain(session, tenant.id, lanes=(0, 3), after=after)


async def echo(desk: House, tenant: Tenant, *heard: tuple[str, str, str]) -> int:
    vault = await desk.registry.tenant_vault(tenant.id)
    echoes = [(tenant.id, user, msg_id, echo_hash(vault, words)) for user, msg_id, words in heard]
    return await settle.note_echoes(desk.registry.db, echoes)


async def decide(desk: House, tenant: Tenant, said: bool | None) -> list[str]:
    outcomes = []
    async with desk.registry.db.tenant(tenant.id) as session:
        for doubt in await settle.doubts(session, tenant.id, lanes=(0, 3)):
            outcomes.append(await settle.settle(session, tenant.id, doubt, said=said, zalo_id="z" if said else None))
    return outcomes


async def test_a_young_send_is_not_doubted(desk: House) -> None:
    tenant = desk.registry.by_slug("lang-son")
    await doubtful(desk, tenant, "young", "x")
    assert await mark(desk, tenant, timedelta(seconds=20)) == 0
    assert [row.state for row in await states(desk, tenant, "young")] == ["sending"]


async def test_an_echo_after_the_doubt_settles_it(desk: House) -> None:
    tenant = desk.registry.by_slug("lao-cai")
    await doubtful(desk, tenant, "echoed", "một", "hai")
    assert await mark(desk, tenant) == 2
    assert await echo(desk, tenant, ("echoed", "z1", "một"), ("echoed", "z1", "một"), ("stranger", "z9", "hai")) == 1
    one, two = await states(desk, tenant, "echoed")
    assert (one.state, one.settled_by, one.zalo_message_id) == ("sent", "echo", "z1")
    assert (two.state, two.settled_by) == ("uncertain", None)


async def test_an_echo_before_the_doubt_settles_it_when_it_comes(desk: House) -> None:
    tenant = desk.registry.by_slug("ninh-binh")
    await doubtful(desk, tenant, "early", "một")
    assert await echo(desk, tenant, ("early", "z2", "một")) == 1
    assert [row.state for row in await states(desk, tenant, "early")] == ["sending"]
    assert await mark(desk, tenant) == 0
    (row,) = await states(desk, tenant, "early")
    assert (row.state, row.settled_by) == ("sent", "echo")


@pytest.mark.parametrize("at_once", [True, False])
async def test_one_echo_settles_one_of_two_messages_of_the_same_words(desk: House, at_once: bool) -> None:
    tenant, user = desk.registry.by_slug("nghe-an"), f"equal-{at_once}"
    await doubtful(desk, tenant, user, "chào", "chào")
    await echo(desk, tenant, (user, f"a-{at_once}", "chào"))
    await echo(desk, tenant, (user, f"a-{at_once}", "chào"))  # Zalo's redelivery
    await mark(desk, tenant)
    assert [row.state for row in await states(desk, tenant, user)] == ["sent", "uncertain"]
    heard = [(user, f"a-{at_once}", "chào"), (user, f"b-{at_once}", "chào")]
    await echo(desk, tenant, *(heard if at_once else heard[1:]))
    assert [row.zalo_message_id for row in await states(desk, tenant, user)] == [f"a-{at_once}", f"b-{at_once}"]


async def test_by_contract_a_reply_is_not_repeated_a_notice_once_a_campaign_never(desk: House) -> None:
    for slug, lane, first, then in (
        ("phu-tho", Lane.REPLY, "uncertain", None),
        ("quang-ngai", Lane.NOTICE, "repeated", "uncertain"),
        ("quang-ninh", Lane.STAFF, "uncertain", None),
        ("thai-nguyen", Lane.CAMPAIGN, "uncertain", None),
    ):
        tenant = desk.registry.by_slug(slug)
        await doubtful(desk, tenant, "contract", "x", lane=lane)
        await mark(desk, tenant)
        assert await decide(desk, tenant, None) == [first]
        if then:
            assert len(await claimed(desk, tenant)) == 1
            await mark(desk, tenant)
            assert await decide(desk, tenant, None) == [then]
        assert await decide(desk, tenant, None) == []  # for good
        assert await claimed(desk, tenant) == []
        (row,) = await states(desk, tenant, "contract")
        assert (row.state, row.settled_by, row.repeats) == ("uncertain", "contract", 1 if then else 0)


async def test_what_history_proves_unsaid_is_said_again_whatever_it_is(desk: House) -> None:
    for slug, lane in (("thanh-hoa", Lane.REPLY), ("tuyen-quang", Lane.CAMPAIGN)):
        tenant = desk.registry.by_slug(slug)
        await doubtful(desk, tenant, "unsaid", "x", lane=lane)
        await mark(desk, tenant)
        assert await decide(desk, tenant, False) == ["repeated"]
        assert len(await claimed(desk, tenant)) == 1
        await mark(desk, tenant)
        assert await decide(desk, tenant, True) == ["sent"]
        (row,) = await states(desk, tenant, "unsaid")
        assert (row.state, row.settled_by, row.repeats, row.attempts) == ("sent", "history", 1, 2)


async def test_a_doubt_that_was_settled_elsewhere_meanwhile_is_left_as_it_is(desk: House) -> None:
    tenant = desk.registry.by_slug("tay-ninh")
    await doubtful(desk, tenant, "race", "x")
    await mark(desk, tenant)
    async with desk.registry.db.tenant(tenant.id) as session:
        (doubt,) = await settle.doubts(session, tenant.id, lanes=(0, 3))
    await echo(desk, tenant, ("race", "z7", "x"))
    async with desk.registry.db.tenant(tenant.id) as session:
        assert await settle.settle(session, tenant.id, doubt, said=False) == "settled elsewhere"
    assert [row.state for row in await states(desk, tenant, "race")] == ["sent"]
