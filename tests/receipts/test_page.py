"""`/q/{token}`: status, unit and dates for whoever holds the receipt; one polite 404 for everything else."""

import asyncio
import io
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import expect
from sqlalchemy import func, select, update
from tests.receipts.counter import Counter, phone

from govchat.kit import clock
from govchat.receipts import page as page_module
from govchat.receipts import slow
from govchat.receipts.models import ReceiptTokenRow
from govchat.receipts.show import recognise, show
from govchat.tenants.models import TenantRecord

PERSONAL = (
    "Trịnh",
    "Phương Hiền",
    "0912345678",
    "912345678",
    "060190000123",
    "Trần Văn An",
    "thẩm định",
    "K7PX",
    "xây dựng mới",
)


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch):
    """All tests come from one address."""
    monkeypatch.setattr(slow, "GUESSES_A_MINUTE", 100_000)
    monkeypatch.setattr(slow, "GENUINE_A_MINUTE", 100_000)


async def address_of(counter: Counter, code: str) -> str:
    return zxingcpp.read_barcodes(Image.open(io.BytesIO(await counter.receipt(code, "png"))))[0].text


async def get(house, address: str):
    async with house.http.get(address) as answer:
        return answer.status, answer.headers, await answer.text()


async def test_a_phone_shows_status_unit_and_dates_without_javascript(counter, browser):
    code = await counter.dossier()
    page = await phone(browser, java_script_enabled=False)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    address = await address_of(counter, code)
    await page.goto(address)
    for words in ("Đang xử lý", "Sở Xây dựng", "09:12 ngày 03/11/2026", "17:00 ngày 01/12/2026", code):
        await expect(page.get_by_text(words, exact=True).first).to_be_visible()
    oa_id = counter.house.registry.by_slug("lam-dong").oa_id
    button = page.get_by_role("link", name="Mở Zalo Tỉnh Lâm Đồng")
    await expect(button).to_have_attribute("href", f"https://zalo.me/{oa_id}")
    box = await button.bounding_box()
    assert box["height"] >= 44
    await expect(page.get_by_role("button", name="Sao chép")).to_be_hidden()
    assert [each for each in asked if not each.startswith("data:")] == [address], "nothing else is loaded"
    await page.context.close()


async def test_nothing_sticks_out_however_large_the_letters_and_however_dark_the_night(counter, browser):
    code = await counter.dossier(handler={"unit": "Ủy ban nhân dân xã " + "Đạ-K'Nàng-" * 20})
    address = await address_of(counter, code)
    for scheme in ("light", "dark"):
        page = await phone(browser, color_scheme=scheme)
        await page.goto(address)
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(16, 21, 28)") == (scheme == "dark")
        await page.set_viewport_size({"width": 240, "height": 500})
        assert await page.evaluate("document.documentElement.scrollWidth") == 240
        await page.context.close()


async def test_the_code_is_copied_by_a_button_where_there_is_javascript(counter, browser):
    code = await counter.dossier()
    page = await phone(browser, permissions=["clipboard-read", "clipboard-write"])
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    await page.goto(await address_of(counter, code))
    await page.get_by_role("button", name="Sao chép").click()
    await expect(page.get_by_role("button", name="Đã sao chép")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == code
    assert troubles == []
    await page.context.close()


async def test_the_page_says_nothing_of_a_person(counter, house):
    code = await counter.dossier()
    _, headers, text = await get(house, await address_of(counter, code))
    for personal in PERSONAL:
        assert personal not in text
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in headers["X-Robots-Tag"]
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_markup_in_a_unit_stays_text(counter, house):
    code = await counter.dossier(handler={"unit": "<script>alert(1)</script> & \"Sở\" 'Xây dựng'"})
    _, _, text = await get(house, await address_of(counter, code))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in text


@pytest.mark.parametrize("status", range(1, 11))
async def test_every_status_has_its_page(counter, house, status):
    code = await counter.dossier(status=status)
    answered, _, text = await get(house, await address_of(counter, code))
    assert answered == 200
    assert page_module.STATUSES[status].label in text
    assert ("Tiếp nhận</li>" in text) == (status not in (3, 7, 8))


async def test_late_is_said_and_only_while_an_office_is_at_work(counter, house):
    past = (clock.now() - timedelta(days=2)).isoformat()
    late = await counter.dossier(due_at=past)
    paused = await counter.dossier(due_at=past, status=5)
    assert "đã quá hẹn" in (await get(house, await address_of(counter, late)))[2]
    rests = (await get(house, await address_of(counter, paused)))[2]
    assert "đã quá hẹn" not in rests
    assert "Thời hạn đang tạm dừng" in rests


async def test_unknown_damaged_revoked_and_foreign_codes_are_one_polite_404(counter, house):
    code = await counter.dossier()
    address = await address_of(counter, code)
    token = urlsplit(address).path.rpartition("/")[2]
    foreign = house.registry.by_slug("hue").key_tag
    swapped = (
        __import__("base64")
        .urlsafe_b64encode(bytes.fromhex(foreign) + __import__("base64").urlsafe_b64decode(token)[4:])
        .decode()
    )
    assert (await counter.call("DELETE", f"{code}/receipt"))[2] == f'{{"code":"{code}","revoked":true}}'.encode()
    assert (await counter.call("DELETE", f"{code}/receipt"))[2] == f'{{"code":"{code}","revoked":false}}'.encode()
    answers = [
        await get(house, f"{house.url}/q/{each}")
        for each in (token, swapped, token[:-1] + "A", "x", "A" * 24, "A" * 5000, "%00%ff", "%C3%A9" * 24, "'--")
    ]
    assert {status for status, _, _ in answers} == {404}
    assert len({text for _, _, text in answers}) == 1
    assert "Không tìm thấy hồ sơ" in answers[0][2]
    assert (
        len({tuple(sorted((n, v) for n, v in headers.items() if n.lower() != "date")) for _, headers, _ in answers})
        == 1
    )


async def test_after_revoking_the_next_printing_has_a_new_code_and_the_old_stays_dead(counter, house):
    code = await counter.dossier()
    before = await address_of(counter, code)
    await counter.call("DELETE", f"{code}/receipt")
    after = await address_of(counter, code)
    assert after != before
    assert [(await get(house, each))[0] for each in (before, after)] == [404, 200]


async def test_printers_that_ask_at_once_get_one_code(counter, house):
    code = await counter.dossier()
    assert len({await one for one in [asyncio.ensure_future(counter.receipt(code, "svg")) for _ in range(8)]}) == 1
    tenant = house.registry.by_slug("lam-dong")
    async with house.registry.db.tenant(tenant.id) as session:
        kept = await session.scalar(
            select(func.count()).select_from(ReceiptTokenRow).where(ReceiptTokenRow.revoked_at.is_(None))
        )
    assert kept >= 1


async def test_a_receipt_under_a_merged_provinces_prefix_still_resolves(counter, house):
    code = await counter.dossier("H11.05")  # Bình Thuận's, answered by Lâm Đồng
    status, _, text = await get(house, await address_of(counter, code))
    assert (status, code in text) == (200, True)
    assert "Tỉnh Lâm Đồng" in text


async def test_paper_of_a_province_that_was_merged_away_leads_to_its_successor(own_settings):
    """Bình Thuận once ran an Official Account of its own here; it is closed, its tokens stay good."""
    from tests.house import open_house

    async with open_house(own_settings, worker=False) as house:
        old = Counter(house, "hue", await house.key("hue"))
        address = await address_of(old, await old.dossier("H57.01"))
        async with house.registry.db.registry() as session:
            await session.execute(
                update(TenantRecord)
                .where(TenantRecord.slug == "hue")
                .values(slug="binh-thuan", state="closed", updated_at=func.clock_timestamp())
            )
        await house.registry.load()
        genuine = await recognise(house.registry, address.rpartition("/")[2])
        shown = await show(house.registry, genuine)
        assert shown.tenant.slug == "lam-dong"
        text = page_module.status_page(shown)
        assert page_module.oa_address(house.registry.by_slug("lam-dong")) in text


async def test_an_address_that_guesses_is_slowed_and_genuine_codes_still_open(counter, house, monkeypatch):
    monkeypatch.setattr(slow, "GUESSES_A_MINUTE", 3)
    monkeypatch.setattr(house.registry.vault, "log_key", b"another")
    address = await address_of(counter, await counter.dossier())
    answers = [await get(house, f"{house.url}/q/{'A' * 24}") for _ in range(200)]
    slowed = [headers for status, headers, _ in answers if status == 429]
    assert slowed
    assert 1 <= int(slowed[0]["Retry-After"]) <= 60
    assert "Vui lòng thử lại" in answers[-1][2] or answers[-1][0] == 404
    assert (await get(house, address))[0] == 200
    monkeypatch.setattr(slow, "GENUINE_A_MINUTE", 0)
    assert (await get(house, address))[0] == 429


def test_an_ipv6_subscriber_is_one_address_and_a_mapped_one_is_its_own():
    assert slow._network("2001:db8:1:2::1") == slow._network("2001:db8:1:2:ffff::9")
    assert slow._network("2001:db8:1:2::1") != slow._network("2001:db8:1:3::1")
    assert slow._network("::ffff:192.0.2.7") == slow._network("192.0.2.7")


async def test_without_redis_pages_are_shown_and_counted_here():
    from redis.asyncio import Redis

    nowhere = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.2)
    pace = slow.Pace(nowhere, b"k")
    slow_limit = slow.GUESSES_A_MINUTE
    assert await pace.wait("192.0.2.1", genuine=False) == 0
    pace._local.update(dict.fromkeys(list(pace._local), slow_limit))
    assert await pace.wait("192.0.2.1", genuine=False) > 0
    assert await pace.wait("192.0.2.2", genuine=False) == 0
    await nowhere.aclose()


def test_the_page_holds_no_address_but_the_official_accounts():
    raw = (page_module.PAGES / "status.html").read_text() + page_module.STYLE + page_module.SCRIPT
    assert re.findall(r"https?://|@import|url\(", raw) == []
