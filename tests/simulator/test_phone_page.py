"""The phone page in a real browser: choose, follow, chat, tap, share, and see it all on the wire."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from govchat.simulator import server

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63f8cfc0f01f00050001ff5fbdd5130000000049454e44ae426082"
)
MENU = {
    "text": "Kính chào ông/bà",
    "attachment": {
        "type": "template",
        "payload": {
            "buttons": [
                {"title": "Tra cứu hồ sơ", "type": "oa.query.show", "payload": "#TRACUU"},
                {"title": "Việc khác", "type": "oa.query.hide", "payload": "#KHAC"},
                {"title": "Cổng dịch vụ công", "type": "oa.open.url", "payload": {"url": "https://dichvucong.gov.vn"}},
                {"title": "Gọi tổng đài", "type": "oa.open.phone", "payload": {"phone_code": "842963833833"}},
            ]
        },
    },
}


def chromium() -> str:
    """The browser's path; these tests fail without one, they do not skip."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    assert found, "no Chromium found: install one (apt-get install chromium) or set CHROMIUM to its path"
    return found


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        browser = await playwright.chromium.launch(executable_path=chromium(), args=flags)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 1400, "height": 900}, locale="vi-VN")
    page = await context.new_page()
    page.set_default_timeout(60_000)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    yield page
    await context.close()
    assert not troubles


async def go(page: Page, zalo, oa: str, citizen: str = "hien", query: str = "") -> str:
    """Open the page as this citizen; answers the citizen's id in this OA."""
    await page.goto(f"{zalo.sim.url}/?oa={oa}&citizen={citizen}{query}")
    await page.wait_for_selector(f'body[data-ready="{oa}/{citizen}"]')
    return zalo.sim.world.user_id_of(zalo.sim.world.oa(oa).oa_id, citizen)


async def test_a_citizen_follows_and_chats_and_sees_the_wire(page, zalo, receiver):
    user = await go(page, zalo, "an-giang")
    await page.get_by_test_id("follow").click()
    await expect(page.get_by_test_id("unfollow")).to_be_visible()
    await receiver.wait(1)
    assert receiver.events[0]["follower"] == {"id": user}
    await page.get_by_test_id("composer").fill("tra cuu ho so H01.01-261103-0007")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("message-out")).to_contain_text("H01.01-261103-0007")
    await zalo.cs({"text": "Đang <b>xử lý</b>, xem https://govchat.vn/q/x."}, user)
    bubble = page.get_by_test_id("message-in")
    await expect(bubble).to_contain_text("Đang <b>xử lý</b>")
    await expect(bubble.get_by_role("link")).to_have_attribute("href", "https://govchat.vn/q/x")
    send = page.locator('[data-testid="wire-send"]')
    await expect(send).to_contain_text('"recipient"')
    await expect(send).to_contain_text('"message": "Success"')
    webhook = page.locator('[data-testid="wire-webhook"][data-title="user_send_text"]')
    await expect(webhook.get_by_test_id("wire-status")).to_have_text("200")
    await expect(webhook).to_contain_text("X-ZEvent-Signature")
    await expect(page.locator('[data-title="user_seen_message"]')).to_be_attached()
    await page.get_by_test_id("unfollow").click()
    await expect(page.get_by_test_id("follow")).to_be_visible()


async def test_buttons_do_what_they_say(page, zalo, receiver):
    user = await go(page, zalo, "an-giang")
    await zalo.sim.follow("an-giang", user)
    await zalo.cs(MENU, user)
    await page.get_by_role("button", name="Tra cứu hồ sơ").click()
    await expect(page.get_by_test_id("message-out")).to_contain_text("#TRACUU")
    await page.get_by_role("button", name="Việc khác").click()
    await page.get_by_role("button", name="Gọi tổng đài").click()
    await expect(page.get_by_test_id("toast")).to_contain_text("02963833833")
    await expect(page.locator('[data-title="user_send_text"]')).to_have_count(2)
    texts = [event["message"]["text"] for event in receiver.named("user_send_text")]
    assert texts == ["#TRACUU", "#KHAC"]
    assert await page.get_by_test_id("message-out").count() == 1, "a hidden query shows no words"


async def test_a_picture_a_place_and_the_form_are_sent(page, zalo, receiver):
    user = await go(page, zalo, "an-giang", "mai")
    picture = {"name": "giấy.png", "mimeType": "image/png", "buffer": PNG}
    await page.get_by_test_id("image-input").set_input_files(picture)
    await expect(page.locator('[data-testid="message-out"][data-kind="image"] img')).to_be_visible()
    await page.get_by_test_id("location").click()
    await page.get_by_test_id("latitude").fill("10.386")
    await page.get_by_test_id("location-send").click()
    await expect(page.locator('[data-testid="message-out"][data-kind="location"]')).to_contain_text("10.386000")
    form = {
        "title": "Chia sẻ số điện thoại",
        "subtitle": "Để nhận thông báo",
        "image_url": f"{zalo.sim.url}/static/avatar.svg",
    }
    payload = {"template_type": "request_user_info", "elements": [form]}
    await zalo.cs({"attachment": {"type": "template", "payload": payload}}, user)
    await page.locator('[data-testid="message-button"][data-type="form"]').click()
    await page.get_by_test_id("info-name").fill("Lò Thị Mai")
    await page.get_by_test_id("info-phone").fill("0353000103")
    await page.get_by_test_id("info-submit").click()
    await expect(page.get_by_test_id("info-form")).to_be_hidden()
    await expect(page.locator('[data-title="user_submit_info"]')).to_be_attached()
    info = receiver.named("user_submit_info")[0]["info"]
    assert (info["name"], info["phone"]) == ("Lò Thị Mai", "84353000103")
    url = receiver.named("user_send_image")[0]["message"]["attachments"][0]["payload"]["url"]
    async with zalo.http.get(url) as reply:
        assert await reply.read() == PNG


async def test_a_province_is_found_without_diacritics_and_by_keyboard(page, zalo):
    await go(page, zalo, "an-giang")
    await page.get_by_test_id("province").fill("bac ninh")
    await expect(page.get_by_test_id("province-option")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("oa-name")).to_have_text("Tỉnh Bắc Ninh")
    await expect(page.get_by_test_id("composer")).to_be_focused()
    await page.locator('[data-testid="citizen"][data-key="binh"]').click()
    await page.wait_for_selector('body[data-ready="bac-ninh/binh"]')
    await page.get_by_test_id("province").fill("nước ngoài")
    await expect(page.get_by_test_id("province-option")).to_have_count(0)


async def test_a_link_opens_the_chat_with_the_words_prefilled(page, zalo):
    await page.goto(f"{zalo.sim.url}/oa/1003?text=%23TC%20H01")
    await page.wait_for_selector('body[data-ready^="ca-mau/"]')
    await expect(page.get_by_test_id("composer")).to_have_value("#TC H01")
    assert not zalo.sim.world.messages("1003"), "the citizen still has to press send"


async def test_the_talk_is_still_there_after_a_reload(page, zalo):
    user = await go(page, zalo, "ca-mau")
    await page.get_by_test_id("composer").fill("xin chào")
    await page.get_by_test_id("send").click()
    await zalo.cs({"text": "chào ông/bà"}, user, zalo.tokens("1003"))
    await expect(page.get_by_test_id("message-in")).to_have_count(1)
    await page.reload()
    await expect(page.get_by_test_id("message-in")).to_have_count(1)
    await expect(page.get_by_test_id("message-out")).to_have_count(1)
    await expect(page.get_by_test_id("wire-send")).to_have_count(1)


async def test_an_unreachable_receiver_is_told_to_the_citizen(page, zalo):
    zalo.sim.world.app_by_id["11"].webhook_url = "http://127.0.0.1:1/nobody"
    await go(page, zalo, "an-giang")
    await page.get_by_test_id("follow").click()
    await expect(page.get_by_test_id("toast")).to_contain_text("chưa tới nơi")
    await expect(page.get_by_test_id("wire-status").first).to_have_text("lỗi")


async def test_a_phone_of_390_pixels_shows_one_part_at_a_time(page, zalo):
    await page.set_viewport_size({"width": 390, "height": 844})
    await go(page, zalo, "an-giang")
    await expect(page.get_by_test_id("composer")).to_be_visible()
    await expect(page.get_by_test_id("wire")).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth") == 390, "nothing sticks out sideways"
    await page.get_by_role("button", name="Chọn tỉnh khác").click()
    await page.get_by_text("Tỉnh Cà Mau").click()
    await expect(page.get_by_test_id("oa-name")).to_have_text("Tỉnh Cà Mau")
    await expect(page.get_by_test_id("composer")).to_be_visible()
    await page.get_by_test_id("follow").click()
    await page.get_by_role("button", name="Đường truyền").click()
    await expect(page.get_by_test_id("wire-webhook")).to_be_visible()


async def test_the_consent_page_hands_a_code_back(page, zalo):
    back = f"{zalo.sim.url}/_phone/choices"
    await page.goto(f"{zalo.sim.url}/v4/oa/permission?app_id=11&redirect_uri={back}&state=s1")
    await page.get_by_label("Tỉnh Bắc Ninh").check()
    await page.get_by_test_id("grant").click()
    await page.wait_for_url("**/choices?oa_id=1002&code=*&state=s1")


async def test_a_simulator_that_is_gone_is_told_in_plain_words_until_it_is_back(page, zalo):
    world, port = zalo.sim.world, urlsplit(zalo.sim.url).port
    user = await go(page, zalo, "an-giang")
    trouble, toast = page.get_by_test_id("trouble"), page.get_by_test_id("toast")
    await zalo.sim.close()
    await expect(trouble).to_contain_text("Không kết nối được với Zalo mô phỏng. Hãy xem cửa sổ dòng lệnh")
    await page.get_by_test_id("composer").fill("xin chào")
    await page.keyboard.press("Enter")
    await expect(toast).to_contain_text("Không kết nối được với Zalo mô phỏng")
    await expect(page.get_by_test_id("composer")).to_have_value("xin chào")
    await page.locator('[data-slug="ca-mau"]').click()
    await page.locator('[data-slug="an-giang"]').click()
    await expect(trouble).to_be_visible()
    again = await server.start(world, port=port)
    try:
        await expect(trouble).to_be_hidden()
        await page.wait_for_selector('body[data-ready="an-giang/hien"]')
        await again.say("an-giang", user, "đã nối lại")
        await expect(page.get_by_test_id("message-out")).to_contain_text("đã nối lại")
    finally:
        await again.close()
    assert not re.search("fetch|failed|error", await page.inner_text("body"), re.IGNORECASE)


@pytest.mark.parametrize(
    ("status", "told"),
    [(404, "Hãy tải lại trang"), (413, "Hãy chọn tệp nhỏ hơn"), (400, "(mã 400)"), (500, "simulator.log")],
)
async def test_a_refusal_is_told_in_vietnamese(page, zalo, status, told):
    await go(page, zalo, "an-giang")
    refused = {"status": status, "body": '{"error": "in English"}', "content_type": "application/json"}
    await page.route("**/_control/**", lambda route: route.fulfill(**refused))
    await page.get_by_test_id("follow").click()
    await expect(page.get_by_test_id("toast")).to_contain_text(told)
    await expect(page.get_by_test_id("toast")).not_to_contain_text("English")


async def test_an_event_that_did_not_arrive_says_why_and_what_to_do(page, zalo, receiver):
    await go(page, zalo, "an-giang")
    toast, composer = page.get_by_test_id("toast"), page.get_by_test_id("composer")
    receiver.statuses = [503]
    await page.get_by_test_id("follow").click()
    await expect(toast).to_contain_text("govchat trả lời mã 503")
    zalo.sim.world.app_by_id["11"].webhook_url = ""
    await composer.fill("xin chào")
    await page.keyboard.press("Enter")
    await expect(toast).to_contain_text("GOVCHAT_PUBLIC_URL")
    zalo.sim.world.app_by_id["11"].webhook_url = receiver.url
    await zalo.control("POST", "faults", {"kind": "webhook_lost"})
    await composer.fill("còn đó không")
    await page.keyboard.press("Enter")
    await expect(toast).to_contain_text("webhook_lost")
