"""A petition as it is written on a phone: photos, a place, words, a denunciation that is forgotten, news from the office."""

import io
import json
from collections.abc import AsyncIterator

import pytest
from PIL import Image
from tests.house import House
from tests.inbox.test_alone import answers, photo
from tests.journeys.stage import own_house, rows
from tests.petitions.filing import TEXT
from tests.stack import Services

from govchat.tenants.registry import Tenant

SLUG = "dong-nai"


@pytest.fixture(scope="module")
async def town(services: Services, redis_url: str) -> AsyncIterator[House]:
    """A house without a worker: the inbox is worked off by hand."""
    async with own_house(services, redis_url, worker=False) as house:
        yield house


def picture(colour: str) -> bytes:
    """A photo as phones make them, with the camera's name and the place in it."""
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    held = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(held, "JPEG", exif=exif)
    return held.getvalue()


def button(said: str, title: str) -> str:
    """The token behind a title of an answer."""
    body = json.loads(said.partition(": ")[2])
    buttons = body["message"]["attachment"]["payload"]["buttons"]
    return str(next(each["payload"] for each in buttons if each["title"].startswith(title)))


async def begin(town: House, tenant: Tenant, user: str) -> None:
    await town.zalo.say(SLUG, user, "phản ánh")
    await town.zalo.tap(SLUG, user, button((await answers(town, tenant, user))[-1], "Sự việc"))


async def petition_of(town: House, user: str) -> dict[str, object]:
    """The citizen's newest petition as the office reads it."""
    tenant = town.registry.by_slug(SLUG)
    (found,) = await rows(
        town,
        tenant,
        "SELECT p.code FROM petitions p JOIN citizens c ON c.tenant_id = p.tenant_id AND c.id = p.citizen_id"
        " WHERE p.tenant_id = :tenant AND c.zalo_user_id = :user",
        user=user,
    )
    return await read(town, f"/v1/petitions/{found.code}")


async def read(town: House, path: str) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {await town.key(SLUG)}"}
    async with town.http.get(f"{town.url}{path}", headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        told: dict[str, object] = await answer.json()
        return told


async def test_photos_before_and_after_the_words_a_place_and_a_commune_reach_the_office(town: House) -> None:
    tenant = town.registry.by_slug(SLUG)
    await begin(town, tenant, "giver")
    await town.zalo.send_image(SLUG, "giver", picture("red"))
    await town.zalo.send_location(SLUG, "giver", 10.951234, 106.821234)
    assert "Đã nhận vị trí" in (await answers(town, tenant, "giver"))[-1]
    await town.zalo.say(SLUG, "giver", TEXT)
    await town.zalo.send_image(SLUG, "giver", picture("blue"))
    await town.zalo.say(SLUG, "giver", "phường Trấn Biên")
    said = await answers(town, tenant, "giver")
    assert "2 ảnh, có vị trí, phường Trấn Biên" in said[-1]
    shown = await petition_of(town, "giver")
    assert (shown["kind"], shown["category"], shown["commune"], shown["text"]) == (
        "scene",
        "traffic",
        "phường Trấn Biên",
        TEXT,
    )
    assert shown["place"] == {"text": None, "latitude": 10.951234, "longitude": 106.821234}
    photos = shown["photos"]
    assert isinstance(photos, list)
    assert [each["media_type"] for each in photos] == ["image/jpeg"] * 2
    headers = {"Authorization": f"Bearer {await town.key(SLUG)}"}
    async with town.http.get(
        f"{town.url}/v1/petitions/{shown['code']}/files/{photos[0]['id']}", headers=headers
    ) as got:
        content = await got.read()
    assert b"SecretCamera" not in content
    assert not Image.open(io.BytesIO(content)).getexif()
    # What is left of the messages names neither the photos' addresses nor the place in the clear.
    bodies = await rows(town, tenant, "SELECT body_sealed FROM inbox_events WHERE event_name = 'user_send_image'")
    assert {bytes(row.body_sealed) for row in bodies} == {b""}
    (state,) = await rows(
        town,
        tenant,
        "SELECT v.state::text FROM conversations v JOIN citizens c ON c.tenant_id = v.tenant_id AND c.id = v.citizen_id"
        " WHERE c.zalo_user_id = 'giver'",
    )
    assert "106.8" not in state[0]


async def test_a_card_of_a_person_is_not_kept_even_while_a_petition_is_written(town: House) -> None:
    tenant = town.registry.by_slug(SLUG)
    await begin(town, tenant, "careless")
    await town.zalo.send_image(
        SLUG, "careless", photo("060190000123|271234567|Trịnh Thị Hiền|01011990|Nữ|Đà Lạt|01012021")
    )
    assert "giấy tờ tùy thân" in (await answers(town, tenant, "careless"))[-1]
    kept = await rows(
        town, tenant, "SELECT owner FROM stored_files WHERE owner LIKE 'petition-draft:%' AND delete_after IS NOT NULL"
    )
    await town.zalo.say(SLUG, "careless", TEXT)
    await answers(town, tenant, "careless")
    assert (await petition_of(town, "careless"))["photos"] == []
    assert not kept


async def test_a_card_that_no_code_tells_goes_by_its_caption_or_when_its_sender_takes_it_back(town: House) -> None:
    tenant = town.registry.by_slug(SLUG)
    await begin(town, tenant, "sorry")
    await town.zalo.send_image(SLUG, "sorry", picture("red"), text="ảnh CCCD của em đây ạ")
    assert "giấy tờ tùy thân" in (await answers(town, tenant, "sorry"))[-1]
    await town.zalo.send_image(SLUG, "sorry", picture("blue"))
    assert "bỏ ảnh" in (await answers(town, tenant, "sorry"))[-1]
    await town.zalo.say(SLUG, "sorry", "em gửi nhầm ảnh ạ")
    assert "không giữ ảnh đó nữa" in (await answers(town, tenant, "sorry"))[-1]
    await town.zalo.say(SLUG, "sorry", TEXT)
    await answers(town, tenant, "sorry")
    assert (await petition_of(town, "sorry"))["photos"] == []
    await town.zalo.send_image(SLUG, "sorry", picture("green"))
    await answers(town, tenant, "sorry")
    (shown,) = (await petition_of(town, "sorry"))["photos"]  # type: ignore[misc]
    await town.zalo.say(SLUG, "sorry", "bỏ ảnh")
    assert "không giữ ảnh đó nữa" in (await answers(town, tenant, "sorry"))[-1]
    petition = await petition_of(town, "sorry")
    assert petition["photos"] == []
    headers = {"Authorization": f"Bearer {await town.key(SLUG)}"}
    gone = f"{town.url}/v1/petitions/{petition['code']}/files/{shown['id']}"
    async with town.http.get(gone, headers=headers) as answer:
        assert answer.status == 404
    left = await rows(
        town,
        tenant,
        "SELECT delete_after FROM stored_files WHERE owner = 'nobody' AND delete_after <= clock_timestamp()",
    )
    assert len(left) == 2


async def test_what_is_no_picture_is_named_and_a_sixth_photo_refused(town: House) -> None:
    tenant = town.registry.by_slug(SLUG)
    await begin(town, tenant, "many")
    await town.zalo.send_image(SLUG, "many", b"MZ this is a programme")
    assert "không phải ảnh" in (await answers(town, tenant, "many"))[-1]
    await town.zalo.say(SLUG, "many", TEXT)
    for number in range(6):
        await town.zalo.send_image(SLUG, "many", picture(f"#0000{number}0"))
    assert "đủ năm ảnh" in (await answers(town, tenant, "many"))[-1]
    shown = await petition_of(town, "many")
    assert isinstance(shown["photos"], list)
    assert len(shown["photos"]) == 5


async def test_what_was_told_at_once_is_filed_in_its_own_words(town: House) -> None:
    tenant = town.registry.by_slug(SLUG)
    told = "tôi muốn phản ánh bãi rác cuối hẻm 12 phường Long Bình bốc mùi hôi thối cả tuần nay"
    await town.zalo.say(SLUG, "teller", told)
    await town.zalo.tap(SLUG, "teller", button((await answers(town, tenant, "teller"))[-1], "Sự việc"))
    assert "Đã nhận phản ánh" in (await answers(town, tenant, "teller"))[-1]
    shown = await petition_of(town, "teller")
    assert (shown["text"], shown["category"], shown["commune"]) == (told, "environment", "phường Long Bình")


async def test_a_denunciation_is_answered_with_the_laws_way_and_forgotten(
    town: House, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = town.registry.by_slug(SLUG)
    words = "tố cáo ông chủ tịch xã tên Lê Văn Sâu nhận hối lộ"
    await town.zalo.say(SLUG, "brave", words)
    (said,) = await answers(town, tenant, "brave")
    assert "bí mật" in said
    assert "7 ngày làm việc" in said
    (event,) = await rows(town, tenant, "SELECT body_sealed, state FROM inbox_events WHERE user_id = 'brave'")
    assert (bytes(event.body_sealed), event.state) == (b"", "done")
    assert (
        await rows(
            town,
            tenant,
            "SELECT 1 FROM petitions p JOIN citizens c ON c.id = p.citizen_id WHERE c.zalo_user_id = 'brave'",
        )
        == []
    )
    logged = capsys.readouterr()
    assert "Lê Văn Sâu" not in logged.out + logged.err


async def test_who_could_not_be_told_hears_it_with_their_next_word_once(town: House) -> None:
    tenant = town.registry.by_slug(SLUG)
    await begin(town, tenant, "away")
    await town.zalo.say(SLUG, "away", TEXT)
    await answers(town, tenant, "away")
    # Ten days without a word: no window is open when the office answers.
    await rows(
        town, tenant, "UPDATE citizens SET last_interaction_at = now() - interval '10 days' WHERE zalo_user_id = 'away'"
    )
    code = (await petition_of(town, "away"))["code"]
    headers = {"Authorization": f"Bearer {await town.key(SLUG)}"}
    body = {"text": "Đã vá xong mặt đường.", "unit": "UBND phường"}
    async with town.http.post(f"{town.url}/v1/petitions/{code}/answer", json=body, headers=headers) as answer:
        assert (await answer.json())["delivery"]["state"] == "none"
    before = len(await answers(town, tenant, "away"))
    await town.zalo.say(SLUG, "away", "xin chào")
    said = (await answers(town, tenant, "away"))[before:]
    assert len(said) == 2
    assert "Đã vá xong mặt đường." in said[1]
    await town.zalo.say(SLUG, "away", "cảm ơn")
    assert len(await answers(town, tenant, "away")) == before + 3
    assert (await petition_of(town, "away"))["delivery"]["state"] == "told"  # type: ignore[index]
