"""Whole stories of citizens, from the phone through webhook, inbox, conversation, outbox and sender back to the phone."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.house import House
from tests.journeys.stage import eventually, own_house, rows, said
from tests.stack import Services

from govchat.simulator.people import Message

HIDDEN = ("Trịnh Thị Phương Hiền", "Trần Văn An", "0912345678", "060190000123", "Đang thẩm định tại hiện trường")


@pytest.fixture(scope="module")
async def town(services: Services, redis_url: str) -> AsyncIterator[House]:
    """One house for all stories of this file; each has a citizen and codes of its own."""
    async with own_house(services, redis_url) as house:
        yield house


async def ask(town: House, slug: str, user: str, words: str, count: int = 1) -> str:
    """What the province answers to a text."""
    assert (await town.zalo.say(slug, user, words)).status == 200
    return joined(await town.zalo.answers(slug, user, count))


async def button(town: House, slug: str, user: str, title: str) -> str:
    """What the last answer's button of this title sends back."""
    (last, *_) = reversed(await town.zalo.answers(slug, user))
    return next(each["payload"] for each in last.payload["buttons"] if each["title"] == title)


def joined(answers: list[Message]) -> str:
    return "\n".join(message.text for message in answers)


@pytest.mark.parametrize(
    ("slug", "code"),
    [
        ("dong-nai", "H19.12-261103-0007"),
        ("ha-noi", "H26.1-261103-0001"),
        ("dien-bien", "H18.3-261103-0002"),
        ("lai-chau", "H35.3-261103-0003"),
        ("ca-mau", "000.00.12.H12-261103-0004"),
    ],
)
async def test_a_bare_code_in_any_province_shows_status_unit_and_dates(town: House, slug: str, code: str) -> None:
    await town.put_dossier(slug, code)
    answer = await ask(town, slug, f"first-{slug}", f"tra cuu ho so {code.lower().replace('-', ' - ')}")
    for shown in (code, "Đang xử lý", "Sở Xây dựng", "01/12/2026"):
        assert shown in answer
    for hidden in HIDDEN:
        assert hidden not in answer


async def test_who_follows_is_welcomed_once_by_the_name_of_the_province(town: House) -> None:
    await town.zalo.follow("hai-phong", "new")
    (welcome,) = await town.zalo.answers("hai-phong", "new")
    assert "thành phố Hải Phòng" in welcome.text
    assert welcome.payload


async def test_the_secret_as_the_next_message_shows_the_rest(town: House) -> None:
    await town.put_dossier("dong-nai", "H19.12-261103-0101")
    bare = await ask(town, "dong-nai", "secret", "H19.12-261103-0101")
    assert "Trần Văn An" not in bare
    whole = await ask(town, "dong-nai", "secret", "k7px")
    for shown in ("Trịnh Thị Phương Hiền", "Trần Văn An", "Đang thẩm định tại hiện trường"):
        assert shown in whole
    assert "0912345678" not in whole
    # Proven once, the bare code is enough for this citizen, and for nobody else.
    assert "Trần Văn An" in await ask(town, "dong-nai", "secret", "H19.12-261103-0101")
    assert "Trần Văn An" not in await ask(town, "dong-nai", "somebody-else", "H19.12-261103-0101")


async def test_code_and_secret_in_one_message_prove_too(town: House) -> None:
    await town.put_dossier("dong-nai", "H19.12-261103-0102")
    assert "Trần Văn An" in await ask(town, "dong-nai", "one-go", "tra cứu H19.12-261103-0102 K7PX")


async def test_the_phone_shared_through_zalos_form_proves(town: House) -> None:
    await town.put_dossier("dong-nai", "H19.12-261103-0103")
    await ask(town, "dong-nai", "phone", "H19.12-261103-0103")
    assert "#phone" not in str((await town.zalo.answers("dong-nai", "phone"))[-1].payload)
    await town.zalo.tap("dong-nai", "phone", await button(town, "dong-nai", "phone", "Xác nhận bằng số điện thoại"))
    form = (await town.zalo.answers("dong-nai", "phone", 2))[-1]
    assert form.kind in ("template", "request_user_info")
    await town.zalo.submit_info("dong-nai", "phone", {"name": "Hiền", "phone": "84912345678"})
    assert "Trần Văn An" in joined(await town.zalo.answers("dong-nai", "phone"))
    await ask(town, "dong-nai", "other-phone", "H19.12-261103-0103")
    await town.zalo.submit_info("dong-nai", "other-phone", {"name": "Ai đó", "phone": "84999999999"})
    assert "Trần Văn An" not in joined(await town.zalo.answers("dong-nai", "other-phone"))
    # The number itself is kept nowhere in the clear.
    tenant = town.registry.by_slug("dong-nai")
    citizen = (await rows(town, tenant, "SELECT * FROM citizens WHERE zalo_user_id = 'phone'"))[0]
    assert b"912345678" not in bytes(citizen.phone_index)


async def test_a_proven_dossier_is_followed_by_a_button_and_left_by_words(town: House) -> None:
    await town.put_dossier("dong-nai", "H19.12-261103-0104")
    await ask(town, "dong-nai", "follower", "tra cứu H19.12-261103-0104 K7PX")
    offered = await button(town, "dong-nai", "follower", "Đăng ký nhận thông báo")
    # A button is of one citizen: typed by somebody else it is a word like any other.
    assert "Đã đăng ký" not in await ask(town, "dong-nai", "borrower", offered)
    await town.zalo.tap("dong-nai", "follower", offered)
    assert "Đã đăng ký nhận thông báo cho hồ sơ H19.12-261103-0104" in joined(
        await town.zalo.answers("dong-nai", "follower")
    )
    mine = await ask(town, "dong-nai", "follower", "ho so cua toi")
    assert "H19.12-261103-0104" in mine
    assert "Đang nhận thông báo" in mine
    assert "Đã hủy nhận thông báo của 1 hồ sơ" in await ask(town, "dong-nai", "follower", "huy nhan thong bao")
    assert "tin chung" in await ask(town, "dong-nai", "follower", "dừng")
    tenant = town.registry.by_slug("dong-nai")
    consents = await rows(
        town,
        tenant,
        "SELECT o.purpose, o.state FROM consents o JOIN citizens c ON c.tenant_id = o.tenant_id AND c.id = o.citizen_id"
        " WHERE c.zalo_user_id = 'follower' ORDER BY o.purpose",
    )
    assert [tuple(row) for row in consents] == [
        ("broadcast", "withdrawn"), ("status", "withdrawn"), ("survey", "withdrawn"),
    ]  # fmt: skip


async def test_a_procedure_is_asked_about_and_asked_on(town: House) -> None:
    assert "Tờ khai" in await ask(town, "dong-nai", "parent", "lam khai sinh can giay to gi")
    assert "Đăng ký khai sinh" in await ask(town, "dong-nai", "parent", "còn phí?")


async def test_another_provinces_code_is_named_and_not_looked_up(town: House) -> None:
    await town.put_dossier("ha-noi", "H26.1-261103-0200")
    there = await ask(town, "dong-nai", "elsewhere", "H26.1-261103-0200")
    nowhere = await ask(town, "dong-nai", "elsewhere", "H26.1-261103-0201")
    assert "thành phố Hà Nội" in there
    assert there.replace("0200", "0201") == nowhere
    assert "Đang xử lý" not in there


async def test_a_code_of_an_absorbed_province_is_answered_by_its_successor(town: House) -> None:
    await town.put_dossier("lam-dong", "H11.5-240615-0031")
    assert "Đang xử lý" in await ask(town, "lam-dong", "heir", "H11.5-240615-0031")
    assert "tỉnh Lâm Đồng" in await ask(town, "dong-nai", "heir", "H11.5-240615-0031")


async def test_not_found_and_wrong_secret_are_one_answer(town: House) -> None:
    await town.put_dossier("dong-nai", "H19.12-261103-0300")
    wrong = await ask(town, "dong-nai", "wrong", "H19.12-261103-0300 AB12")
    missing = await ask(town, "dong-nai", "missing", "H19.12-261103-0399 AB12")
    assert wrong.replace("0300", "0399") == missing


async def test_guessing_is_slowed_for_this_citizen_alone(town: House) -> None:
    await town.put_dossier("dong-nai", "H19.12-261103-0310")
    answers = [await ask(town, "dong-nai", "guesser", f"H19.12-261103-9{number:03d}") for number in range(8)]
    assert "tạm nghỉ" in answers[-1]
    assert "tạm nghỉ" not in answers[0]
    # Also a code that exists is not told any more for now; others are answered.
    assert "tạm nghỉ" in await ask(town, "dong-nai", "guesser", "H19.12-261103-0310")
    assert "Đang xử lý" in await ask(town, "dong-nai", "honest", "H19.12-261103-0310")


async def test_guessing_one_dossiers_secret_from_many_accounts_is_slowed_for_secrets_alone(town: House) -> None:
    await town.put_dossier("dong-nai", "H19.12-261103-0320")
    for number in range(7):
        last = await ask(town, "dong-nai", f"many-{number}", f"H19.12-261103-0320 AB{number:02d}")
    assert "tạm nghỉ" in last
    assert "tạm nghỉ" in await ask(town, "dong-nai", "many-x", "H19.12-261103-0320 K7PX")
    assert "Đang xử lý" in await ask(town, "dong-nai", "many-y", "H19.12-261103-0320")


async def test_pictures_places_and_stickers_get_an_answer_that_helps(town: House) -> None:
    await town.zalo.send_image("dong-nai", "media", b"\xff\xd8\xff\xe0 nothing to see")
    assert "ảnh" in joined(await town.zalo.answers("dong-nai", "media"))
    await town.zalo.send_location("dong-nai", "media", 10.95, 106.82)
    assert "vị trí" in joined(await town.zalo.answers("dong-nai", "media"))
    for kind in ("sticker", "audio", "file", "gif"):
        await town.zalo.send_attachment("dong-nai", f"media-{kind}", kind, {"id": "1", "url": "https://example.vn/x"})
        assert joined(await town.zalo.answers("dong-nai", f"media-{kind}"))


async def test_two_codes_in_one_message_are_both_answered(town: House) -> None:
    for number in ("0401", "0402"):
        await town.put_dossier("dong-nai", f"H19.12-261103-{number}")
    answer = await ask(town, "dong-nai", "two", "H19.12-261103-0401 va H19.12-261103-0402")
    assert answer.count("Đang xử lý") == 2


async def test_who_unfollows_is_not_written_to(town: House) -> None:
    await town.zalo.follow("dong-nai", "gone")
    await town.zalo.answers("dong-nai", "gone")
    refused = dict(town.zalo.world.stats.refused)
    assert (await town.zalo.unfollow("dong-nai", "gone")).status == 200
    # Whoever writes after it is answered: by then the unfollow has been worked off too.
    tenant = town.registry.by_slug("dong-nai")

    async def pending() -> int:
        found = await rows(
            town, tenant, "SELECT count(*) FROM inbox_events WHERE event_name = 'unfollow' AND state <> 'done'"
        )
        return int(found[0][0])

    await eventually(pending, until=lambda count: count == 0, what="the unfollow being worked off")
    assert len(said(town, "dong-nai", "gone")) == 1
    assert dict(town.zalo.world.stats.refused) == refused
    (citizen,) = await rows(town, tenant, "SELECT follows FROM citizens WHERE zalo_user_id = 'gone'")
    assert citizen.follows is False


async def test_the_same_person_in_two_provinces_is_two_citizens(town: House) -> None:
    await town.put_dossier("dong-nai", "H19.12-261103-0500")
    await ask(town, "dong-nai", "both", "H19.12-261103-0500 K7PX")
    await ask(town, "ha-noi", "both", "xin chào")
    for slug in ("dong-nai", "ha-noi"):
        found = await rows(town, town.registry.by_slug(slug), "SELECT * FROM citizens WHERE zalo_user_id = 'both'")
        assert len(found) == 1


async def test_the_story_of_an_answer_tells_when_it_arrived_and_was_seen(town: House) -> None:
    await ask(town, "dong-nai", "reader", "xin chào")
    await town.zalo.see("dong-nai", "reader")
    tenant = town.registry.by_slug("dong-nai")
    found = (
        "SELECT m.id, m.delivered_at, m.seen_at FROM outbox_messages m JOIN citizens c ON c.tenant_id = m.tenant_id"
        " AND c.id = m.citizen_id WHERE c.zalo_user_id = 'reader' AND m.seen_at IS NOT NULL"
    )
    (row, *_) = await eventually(lambda: rows(town, tenant, found), what="a receipt being noted")
    assert row.delivered_at <= row.seen_at
    headers = {"Authorization": f"Bearer {await town.key('dong-nai', 'messages:read')}"}
    async with town.http.get(f"{town.url}/v1/messages/{row.id}", headers=headers) as answer:
        (said,) = (await answer.json())["messages"]
    assert (said["lane"], said["state"], said["attempts"][-1]["outcome"]) == ("reply", "sent", "sent")
    assert None not in (said["delivered_at"], said["seen_at"], said["waited_s"], said["zalo_message_id"])


async def test_a_delivery_that_zalo_doubles_is_answered_once(town: House) -> None:
    from govchat.simulator.faults import Fault

    rule = town.zalo.world.faults.add(Fault(kind="webhook_duplicate", event="user_send_text"))
    try:
        for number in range(5):
            await town.zalo.say("dong-nai", "double", f"H26.1-261103-{number:04d}")
            await town.zalo.answers("dong-nai", "double")
    finally:
        town.zalo.world.faults.remove(rule.id)
    await town.zalo.courier.settled()
    assert len(said(town, "dong-nai", "double")) == 5


async def test_twenty_citizens_write_while_no_worker_runs_and_each_is_answered_once(town: House) -> None:
    await town.put_dossier("dong-nai", "H19.12-261103-0600")
    await town.stop_worker()
    users = [f"waiting-{number}" for number in range(20)]
    deliveries = await asyncio.gather(*(town.zalo.say("dong-nai", user, "H19.12-261103-0600") for user in users))
    assert {delivery.status for delivery in deliveries} == {200}
    assert not any(said(town, "dong-nai", user) for user in users)
    await town.start_worker()
    for user in users:
        assert "Đang xử lý" in joined(await town.zalo.answers("dong-nai", user))
    await town.zalo.courier.settled()
    assert {len(said(town, "dong-nai", user)) for user in users} == {1}
