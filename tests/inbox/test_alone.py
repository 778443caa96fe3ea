"""What needs a transaction of its own: photos, a province in trial, an officer who has the word, petitions."""

import io
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
from govchat.handoff.mute import mute
from govchat.inbox.drain import drain
from govchat.kit import clock
from govchat.procedures.book import Book
from govchat.tenants import testers
from govchat.tenants.registry import Tenant


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
