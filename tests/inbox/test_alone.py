"""What needs a transaction of its own: photos, a province in trial, an officer who has the word, petitions."""

import io
import json
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest
import zxingcpp
from PIL import Image
from tests.house import House
from tests.journeys.stage import own_house, rows
from tests.stack import Services

from govchat.conversation.desk import Desk
from govchat.conversation.overrides import set_wording
from govchat.handoff.mute import mute
from govchat.inbox.drain import drain
from govchat.kit import clock
from govchat.procedures.book import Book
from govchat.tenants import testers
from govchat.tenants.registry import Tenant

CONSENTS = """
    SELECT e.state, e.how, e.text_version, e.evidence FROM consent_events e
    JOIN citizens c ON c.tenant_id = e.tenant_id AND c.id = e.citizen_id
    WHERE c.zalo_user_id = 'polled' ORDER BY e.id
"""


@pytest.fixture(scope="module")
async def town(services: Services, redis_url: str) -> AsyncIterator[House]:
    """A house without a worker: the inbox is worked off by hand."""
    async with own_house(services, redis_url, worker=False) as house:
        yield house


def photo(said: str) -> bytes:
    """A picture of a QR code."""
    made = zxingcpp.write_barcode_to_image(zxingcpp.create_barcode(said, zxingcpp.BarcodeFormat.QRCode), scale=6)
    held = io.BytesIO()
    Image.fromarray(made).convert("RGB").save(held, "JPEG")
    return held.getvalue()


async def answers(town: House, tenant: Tenant, user: str) -> list[str]:
    """Work the inbox off; every text put for this citizen, in order."""
    async with aiohttp.ClientSession() as http:
        await drain(Desk(town.registry, Book(town.registry.db, town.registry), http), tenant)
    found = await rows(
        town,
        tenant,
        f"SELECT m.id, m.body_sealed, m.state FROM outbox_messages m JOIN citizens c ON c.tenant_id = m.tenant_id AND c.id = m.citizen_id"
        f" WHERE c.zalo_user_id = '{user}' ORDER BY m.seq",
    )
    vault = await town.registry.tenant_vault(tenant.id)
    return [f"{row.state}: {vault.open(row.body_sealed, f'outbox_messages.body/{row.id}').decode()}" for row in found]


async def test_a_photo_of_a_receipt_is_looked_up(town: House) -> None:
    tenant = town.registry.by_slug("dong-nai")
    await town.put_dossier("dong-nai", "H19.12-261103-0501")
    await town.zalo.send_image("dong-nai", "camera", photo("H19.12-261103-0501"))
    (said,) = await answers(town, tenant, "camera")
    assert "H19.12-261103-0501" in said
    assert "Sở Xây dựng" in said
    assert "Hiền" not in said


async def test_a_card_of_a_person_is_neither_read_nor_kept(town: House) -> None:
    tenant = town.registry.by_slug("dong-nai")
    await town.zalo.send_image(
        "dong-nai", "card", photo("060190000123|271234567|Trịnh Thị Phương Hiền|01011990|Nữ|Đồng Nai|01012021")
    )
    (said,) = await answers(town, tenant, "card")
    assert "giấy tờ tùy thân" in said
    assert "060190000123" not in said
    assert not await rows(town, tenant, "SELECT * FROM stored_files")


async def test_a_photo_that_cannot_be_had_is_answered_all_the_same(town: House) -> None:
    tenant = town.registry.by_slug("dong-nai")
    await town.zalo.send_image("dong-nai", "broken", b"\xff\xd8\xff no picture")
    (said,) = await answers(town, tenant, "broken")
    assert "gõ giúp mã hồ sơ" in said


async def test_a_province_in_trial_answers_its_testers_and_others_once_a_day(town: House) -> None:
    tenant = town.registry.by_slug("ca-mau")
    async with town.registry.db.tenant(tenant.id) as session:
        await testers.add(session, tenant.id, "tester", actor="test")
    tenant = msgspec.structs.replace(tenant, state="trial")
    for user in ("tester", "stranger", "9990000000000000000"):
        await town.zalo.say("ca-mau", user, "khai sinh cần giấy tờ gì")
        await town.zalo.say("ca-mau", user, "còn phí?")
    tested = await answers(town, tenant, "tester")
    assert len(tested) == 2
    assert all("Đăng ký khai sinh" in said for said in tested)
    (declined,) = await answers(town, tenant, "stranger")
    assert "đang chạy thử" in declined
    simulated = await answers(town, tenant, "9990000000000000000")
    assert len(simulated) == 2
    assert all(said.startswith("skipped") for said in simulated)


async def test_a_petition_is_filed_and_found_by_its_code(town: House) -> None:
    tenant = town.registry.by_slug("dong-nai")
    await town.zalo.say("dong-nai", "neighbour", "kiến nghị")
    await answers(town, tenant, "neighbour")
    await town.zalo.say("dong-nai", "neighbour", "Tôi là Lan, đề nghị sửa cầu thôn Ba xã Xuân Lộc vì đã gãy lan can")
    said = await answers(town, tenant, "neighbour")
    assert "Đã nhận phản ánh" in said[-1]
    (filed,) = await rows(town, tenant, "SELECT code, kind FROM petitions")
    assert filed.kind == "proposal"
    await town.zalo.say("dong-nai", "neighbour", f"tra cứu {filed.code}")
    assert "Đã tiếp nhận" in (await answers(town, tenant, "neighbour"))[-1]


async def test_while_an_officer_has_the_word_the_bot_keeps_still(town: House) -> None:
    tenant = town.registry.by_slug("dong-nai")
    await town.zalo.say("dong-nai", "held", "xin chào")
    assert len(await answers(town, tenant, "held")) == 1
    async with town.registry.db.tenant(tenant.id) as session:
        await mute(session, tenant.id, [("held", clock.now())])
    await town.zalo.say("dong-nai", "held", "khai sinh cần giấy tờ gì")
    assert len(await answers(town, tenant, "held")) == 1
    await town.zalo.say("dong-nai", "held", "menu")
    assert len(await answers(town, tenant, "held")) == 2


async def test_a_denunciation_told_to_an_officer_is_not_kept_either(town: House) -> None:
    tenant = town.registry.by_slug("dong-nai")
    await town.zalo.say("dong-nai", "muted", "xin chào")
    assert len(await answers(town, tenant, "muted")) == 1
    async with town.registry.db.tenant(tenant.id) as session:
        await mute(session, tenant.id, [("muted", clock.now())])
    await town.zalo.say("dong-nai", "muted", "chiều nay tôi đến gặp anh nhé")
    await town.zalo.say("dong-nai", "muted", "tôi tố cáo chủ tịch xã nhận hối lộ 50 triệu")
    assert len(await answers(town, tenant, "muted")) == 1, "the officer has the word"
    sent = "SELECT body_sealed FROM inbox_events WHERE user_id = 'muted' AND event_name = 'user_send_text' ORDER BY seq"
    bodies = [bytes(row.body_sealed) for row in await rows(town, tenant, sent)]
    assert all(bodies[:2])
    assert bodies[2] == b""


async def test_being_asked_how_it_went_is_agreed_to_and_ended_in_chat_with_the_messages_as_evidence(
    town: House,
) -> None:
    tenant = town.registry.by_slug("dong-nai")
    await town.zalo.say("dong-nai", "polled", "đồng ý khảo sát")
    said = (await answers(town, tenant, "polled"))[-1]
    assert "Trả lời hay không tùy anh/chị" in said
    assert not await rows(town, tenant, CONSENTS)  # read first, agreed to by the tap
    (agree, _menu) = json.loads(said.partition(": ")[2])["message"]["attachment"]["payload"]["buttons"]
    await town.zalo.tap("dong-nai", "polled", agree["payload"])
    assert "Cảm ơn anh/chị đã đồng ý" in (await answers(town, tenant, "polled"))[-1]
    await town.zalo.say("dong-nai", "polled", "ngừng khảo sát ạ")
    assert "không được hỏi đánh giá nữa" in (await answers(town, tenant, "polled"))[-1]
    given, ended = await rows(town, tenant, CONSENTS)
    assert (given.state, given.how, given.text_version) == ("granted", "chat", "survey-2")
    assert (ended.state, ended.how, ended.text_version) == ("withdrawn", "chat", None)
    events = await rows(
        town, tenant, "SELECT id FROM inbox_events WHERE user_id = 'polled' AND event_name = 'user_send_text'"
    )
    assert {given.evidence, ended.evidence} <= {f"event:{row.id}" for row in events}


async def test_all_consent_is_withdrawn_by_one_message(town: House) -> None:
    tenant = town.registry.by_slug("dong-nai")
    await town.zalo.say("dong-nai", "leaver", "rút lại đồng ý")
    assert "có hiệu lực ngay" in (await answers(town, tenant, "leaver"))[-1]
    ended = await rows(
        town,
        tenant,
        "SELECT e.purpose, e.state FROM consent_events e JOIN citizens c ON c.id = e.citizen_id WHERE c.zalo_user_id = 'leaver'",
    )
    assert {(row.purpose, row.state) for row in ended} == {
        (purpose, "withdrawn") for purpose in ("status", "phone", "survey", "broadcast")
    }


async def test_a_province_in_trial_declines_in_its_own_words(town: House) -> None:
    tenant = town.registry.by_slug("hue")
    own = "Kênh của {name} sắp mở.\nViệc gấp, xin gọi {hotline}."
    async with town.registry.db.tenant(tenant.id) as session:
        await set_wording(session, tenant.id, "tenants.trial", own, actor="cli:an")
    await town.zalo.say("hue", "early", "xin chào")
    (declined,) = await answers(town, msgspec.structs.replace(tenant, state="trial"), "early")
    assert f"Kênh của {tenant.full_name} sắp mở." in declined
