"""What Zalo, or the road to it, may do to a send: nothing is lost silently, nothing is said twice that need not be."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from sqlalchemy import text
from tests.house import House, open_house
from tests.journeys.stage import eventually, own, rows, said, wire_to
from tests.sender.stage import attempts, hurry, say, settled, states
from tests.stack import Services

from govchat.kit import buckets
from govchat.kit.windows import Window
from govchat.obs import metrics
from govchat.outbox.put import Lane
from govchat.sender import drain, room
from govchat.sender import say as saying
from govchat.simulator.faults import Fault
from govchat.tenants.tokens import token_context

SLUG = "hue"


@pytest.fixture(scope="module")
async def shop(services: Services, redis_url: str) -> AsyncIterator[House]:
    """A house whose worker decides in a hurry; each test uses citizens of its own."""
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        async with open_house(await own(services, redis_url)) as house:
            yield house


@pytest.fixture(autouse=True)
def _no_faults_left(shop: House) -> None:
    shop.zalo.world.faults.clear()


async def meet(shop: House, user: str, slug: str = SLUG) -> None:
    """The citizen follows and has been welcomed, so that Zalo lets us write."""
    await shop.zalo.follow(slug, user)
    await shop.zalo.answers(slug, user)


async def test_a_reply_that_zalo_took_but_did_not_confirm_is_not_repeated(shop: House) -> None:
    tenant = shop.registry.by_slug(SLUG)
    await meet(shop, "lost")
    shop.zalo.world.faults.add(Fault(kind="reply_lost", call="cs", user="lost", count=1))
    await say(shop, tenant, "lost", "một", "hai")
    found = await settled(shop, tenant, "lost", "sent", "sent", "sent")
    assert said(shop, SLUG, "lost")[1:] == ["một", "hai"]
    assert found[1].settled_by in ("echo", "history")
    assert found[1].zalo_message_id
    assert (await attempts(shop, tenant, found[1].id))[0].outcome == "uncertain"


async def test_without_an_echo_zalos_history_settles_it(shop: House) -> None:
    tenant = shop.registry.by_slug(SLUG)
    await meet(shop, "no-echo")
    shop.zalo.world.faults.add(Fault(kind="echo_lost", user="no-echo"))
    shop.zalo.world.faults.add(Fault(kind="reply_lost", call="cs", user="no-echo", count=1))
    await say(shop, tenant, "no-echo", "chỉ một lần")
    found = await settled(shop, tenant, "no-echo", "sent", "sent")
    assert found[1].settled_by == "history"
    assert said(shop, SLUG, "no-echo")[1:] == ["chỉ một lần"]


@pytest.mark.parametrize("kind", ["reset", "hang", "http"])
async def test_a_send_that_zalo_never_carried_out_is_said_once_later(shop: House, kind: str) -> None:
    tenant, user = shop.registry.by_slug(SLUG), f"never-{kind}"
    await meet(shop, user)
    shop.zalo.world.faults.add(Fault(kind=kind, call="cs", user=user, count=1, seconds=0.3, status=500))  # type: ignore[arg-type]
    await say(shop, tenant, user, "đến nơi")
    await settled(shop, tenant, user, "sent", "sent")
    assert said(shop, SLUG, user)[1:] == ["đến nơi"]


async def test_equal_words_said_for_another_cause_settle_nothing(shop: House) -> None:
    """The first "xong" reached Zalo, the second did not: history holds one, and it is the first's."""
    tenant = shop.registry.by_slug(SLUG)
    await meet(shop, "equal")
    shop.zalo.world.faults.add(Fault(kind="echo_lost", user="equal"))
    await say(shop, tenant, "equal", "xong", key="a")
    await settled(shop, tenant, "equal", "sent", "sent")
    shop.zalo.world.faults.add(Fault(kind="reset", call="cs", user="equal", count=1))
    await say(shop, tenant, "equal", "xong", key="b")
    found = await settled(shop, tenant, "equal", "sent", "sent", "sent")
    assert said(shop, SLUG, "equal")[1:] == ["xong", "xong"]
    assert found[1].zalo_message_id != found[2].zalo_message_id


async def test_zalo_out_of_reach_is_tried_again_until_it_is_back(services: Services, redis_url: str) -> None:
    settings = await own(services, redis_url, number=1)
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        async with open_house(settings, worker=False) as house, wire_to(house.zalo.url) as (wire, url):
            house.settings = msgspec.structs.replace(
                house.settings, zalo_openapi_url=url, zalo_oauth_url=url, zalo_business_url=url
            )
            await house.start_worker()
            tenant = house.registry.by_slug(SLUG)
            await meet(house, "far")
            await wire.cut()
            await say(house, tenant, "far", "một", "hai", "ba")

            async def tries() -> int:
                return (await states(house, tenant, "far"))[1].attempts

            await eventually(tries, until=lambda count: count >= 2, what="a second try")
            await wire.mend()
            await settled(house, tenant, "far", "sent", "sent", "sent", "sent")
            assert said(house, SLUG, "far")[1:] == ["một", "hai", "ba"]


async def test_minus_32_pushes_the_window_back_and_the_message_is_sent_later(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saying, "REST_S", 0.5)
    tenant = shop.registry.by_slug(SLUG)
    await meet(shop, "limited")
    shop.zalo.world.faults.add(Fault(kind="error", code=-32, call="cs", oa=SLUG, count=1))
    await say(shop, tenant, "limited", "vẫn đến")
    assert shop.worker is not None

    async def blocked() -> bool:
        return bool(await shop.worker.redis.hget(f"govchat:rates:oa:{tenant.oa_id}", "blocked"))  # type: ignore[union-attr]

    await eventually(blocked, what="the window being pushed back")
    found = await settled(shop, tenant, "limited", "sent", "sent")
    assert [one.zalo_code for one in await attempts(shop, tenant, found[1].id)] == [-32]
    assert said(shop, SLUG, "limited")[1:] == ["vẫn đến"]


async def test_a_smaller_package_than_the_manifests_is_learned_from_zalos_first_answer(shop: House) -> None:
    tenant = shop.registry.by_slug("ha-tinh")
    people = [f"package-{number}" for number in range(30)]
    meter = shop.zalo.world.oa_meters[tenant.oa_id]
    settled_on, meter.limit = meter.limit, 15
    try:
        await meet(shop, "first", "ha-tinh")  # the welcome's answer names the limit
        shop.zalo.world.people[tenant.oa_id].update(
            dict.fromkeys(people, shop.zalo.world.people[tenant.oa_id]["first"])
        )
        for user in people:
            await say(shop, tenant, user, "một")

        async def told() -> int:
            return meter.total

        await eventually(told, until=lambda count: count >= 10, what="what the smaller package allows")
        await asyncio.sleep(0.5)
        assert (meter.over, meter.total <= 15) == (0, True), "Zalo never had to refuse"
    finally:
        meter.limit = settled_on


async def test_a_burst_over_the_limit_waits_its_turn_and_is_said_once(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """40 messages where 12 may go in a window, windows made short: few enough that the slowest machine asks for more."""
    tenant = shop.registry.by_slug("vinh-long")
    monkeypatch.setattr(buckets, "SLOT_MS", 2)
    for module in (drain, saying):
        monkeypatch.setattr(module, "windows_of", lambda _: (Window("test:burst", 12, 2),))
    denials = metrics.BUCKET_DENIALS.labels("vinh-long", "any")
    before = denials._value.get()
    for number in range(20):
        shop.zalo.world.person(tenant.oa_id, f"burst-{number}").interact(shop.zalo.world.now())
        await say(shop, tenant, f"burst-{number}", "một", "hai")

    async def left() -> int:
        found = await rows(
            shop, tenant, "SELECT count(*) FROM outbox_messages WHERE tenant_id = :tenant AND state <> 'sent'"
        )
        return int(found[0][0])

    await eventually(left, until=lambda count: count == 0, what="all being sent")
    assert denials._value.get() > before
    for number in range(20):
        assert said(shop, "vinh-long", f"burst-{number}") == ["một", "hai"]


async def test_http_429_is_tried_again_as_a_limit(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saying, "REST_S", 0.2)
    tenant = shop.registry.by_slug(SLUG)
    await meet(shop, "busy")
    shop.zalo.world.faults.add(Fault(kind="http", status=429, call="cs", user="busy", count=1))
    await say(shop, tenant, "busy", "vẫn đến")
    await settled(shop, tenant, "busy", "sent", "sent")
    assert said(shop, SLUG, "busy")[1:] == ["vẫn đến"]


async def test_an_expired_token_is_renewed_once_and_each_message_sent_once(shop: House) -> None:
    tenant = shop.registry.by_slug(SLUG)
    world = shop.zalo.world
    users = [f"expired-{number}" for number in range(10)]
    for user in users:
        await meet(shop, user)
    before = world.stats.rotations[tenant.oa_id]
    world.tokens.expire(tenant.oa_id)
    await asyncio.gather(*(say(shop, tenant, user, "một", "hai") for user in users))
    for user in users:
        await settled(shop, tenant, user, "sent", "sent", "sent")
        assert said(shop, SLUG, user)[1:] == ["một", "hai"]
    assert world.stats.rotations[tenant.oa_id] == before + 1


async def test_a_token_that_zalo_always_refuses_is_not_renewed_for_ever(shop: House) -> None:
    tenant = shop.registry.by_slug("son-la")
    world = shop.zalo.world
    await meet(shop, "refused", "son-la")
    before = world.stats.rotations[tenant.oa_id]
    world.faults.add(Fault(kind="error", code=-216, call="cs", oa="son-la"))
    await say(shop, tenant, "refused", "chờ")

    async def waits() -> bool:
        row = (await states(shop, tenant, "refused"))[1]
        return bool(row.state == "queued" and (row.due_at - row.created_at).total_seconds() > 60)

    await eventually(waits, what="the message being put off")
    assert world.stats.rotations[tenant.oa_id] - before <= saying.MOST_TOKENS + 1
    world.faults.clear()
    async with shop.registry.db.tenant(tenant.id) as session:
        await session.execute(text("UPDATE outbox_messages SET due_at = clock_timestamp() WHERE state = 'queued'"))
    await settled(shop, tenant, "refused", "sent", "sent")


@pytest.mark.parametrize(("code", "kind"), [(-230, "window"), (-213, "recipient"), (-201, "payload")])
async def test_what_zalo_will_never_take_fails_with_the_reason(shop: House, code: int, kind: str) -> None:
    tenant, user = shop.registry.by_slug(SLUG), f"no{code}"
    await meet(shop, user)
    shop.zalo.world.faults.add(Fault(kind="error", code=code, call="cs", user=user, count=1))
    await say(shop, tenant, user, "không đến")
    found = await settled(shop, tenant, user, "sent", "failed")
    tried = await attempts(shop, tenant, found[1].id)
    assert [one.zalo_code for one in tried] == [code]
    assert tried[0].kind
    assert str(code) in tried[0].detail
    # What comes after is said all the same.
    await say(shop, tenant, user, "đến")
    await settled(shop, tenant, user, "sent", "failed", "sent")


async def test_a_hanging_official_account_slows_no_other(shop: House) -> None:
    slow, quick = shop.registry.by_slug("tay-ninh"), shop.registry.by_slug("quang-ninh")
    shop.zalo.world.faults.add(Fault(kind="hang", call="cs", oa="tay-ninh", seconds=4))
    users = [f"hang-{number}" for number in range(20)]
    for user in users:
        shop.zalo.world.person(slow.oa_id, user).interact(shop.zalo.world.now())
        await say(shop, slow, user, "treo")

    async def hanging() -> int:
        return shop.zalo.world.stats.faults["hang"]

    await eventually(hanging, until=lambda count: count >= room.SLOTS, what="every slot hanging")
    for number in range(5):
        await meet(shop, f"quick-{number}", "quang-ninh")
    # All of it happened while not one hanging send had come to an end.
    found = await rows(shop, slow, "SELECT DISTINCT state FROM outbox_messages WHERE tenant_id = :tenant")
    assert {row.state for row in found} <= {"queued", "sending", "uncertain"}

    async def recorded() -> str:
        return str((await states(shop, quick, "quick-4"))[0].state)

    await eventually(recorded, until=lambda state: state == "sent", what="the record of what Zalo has accepted")


async def test_without_consent_messages_wait_and_go_out_after_it(shop: House) -> None:
    tenant, world = shop.registry.by_slug("quang-tri"), shop.zalo.world
    await meet(shop, "consent", "quang-tri")
    world.tokens.revoke(tenant.oa_id)
    await say(shop, tenant, "consent", "chờ đồng ý")

    async def state() -> str:
        return str((await rows(shop, tenant, "SELECT state FROM oa_credentials"))[0].state)

    await eventually(state, until=lambda found: found == "needs_reconsent", what="the need for a consent being seen")
    # The refused message may still be on its way back into the queue.
    await settled(shop, tenant, "consent", "sent", "queued")
    code = world.tokens.consent(tenant.app.app_id, tenant.oa_id, "", world.now())
    _, pair = world.tokens.exchange(tenant.app.app_id, code, "", world.now())
    vault = await shop.registry.tenant_vault(tenant.id)
    async with shop.registry.db.tenant(tenant.id) as session:
        await session.execute(
            text(
                "UPDATE oa_credentials SET refresh_token_sealed = :token, state = 'ok', access_token_sealed = NULL, "
                "access_expires_at = NULL"
            ),
            {"token": vault.seal(pair.refresh_token.encode(), token_context(tenant.oa_id, "refresh_token"))},
        )
    await settled(shop, tenant, "consent", "sent", "sent")
    assert said(shop, "quang-tri", "consent")[1:] == ["chờ đồng ý"]


async def test_a_damaged_message_fails_alone(shop: House) -> None:
    tenant = shop.registry.by_slug(SLUG)
    for user in ("damaged", "beside"):
        await meet(shop, user)
    vault = await shop.registry.tenant_vault(tenant.id)
    junk = vault.seal(b"{}", "somewhere else")
    async with shop.registry.db.tenant(tenant.id) as session:
        await session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended('outbox:' || :id, 0))"), {"id": str(tenant.id)}
        )
        await say(shop, tenant, "damaged", "hỏng")
        await say(shop, tenant, "damaged", "lành", key="after")
        await say(shop, tenant, "beside", "bên cạnh")
        await session.execute(
            text("UPDATE outbox_messages SET body_sealed = :junk WHERE dedupe_key = 'damaged:0:0:hỏng'"), {"junk": junk}
        )
    await settled(shop, tenant, "damaged", "sent", "failed", "sent")
    await settled(shop, tenant, "beside", "sent", "sent")
    assert said(shop, SLUG, "damaged")[1:] == ["lành"]


async def test_a_notice_waits_for_the_replies_before_it(shop: House) -> None:
    tenant = shop.registry.by_slug(SLUG)
    await meet(shop, "lanes")
    async with shop.registry.db.tenant(tenant.id) as session:
        await session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended('outbox:' || :id, 0))"), {"id": str(tenant.id)}
        )
        await say(shop, tenant, "lanes", "thông báo", lane=Lane.NOTICE)
        await say(shop, tenant, "lanes", "trả lời")
        await say(shop, tenant, "lanes", "nội bộ", lane=Lane.STAFF)
    await settled(shop, tenant, "lanes", "sent", "sent", "sent", "sent")
    assert said(shop, SLUG, "lanes")[1:] == ["trả lời", "thông báo", "nội bộ"]
