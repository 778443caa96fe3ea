"""A province's own words on the page behind its QR codes and on its paper, as long as it may write them."""

import io
import re

import pytest
from PIL import Image

from govchat.conversation.overrides import set_wording
from govchat.conversation.wording import KEYS, longest_of
from govchat.kit.phrases import limits, overlaid
from govchat.receipts import label, letters, routes, sheet
from govchat.receipts.issue import Printed
from govchat.receipts.letters import ROOM
from govchat.tenants import phrases


async def test_page_and_label_speak_the_provinces_words_and_nobodys_page_the_products(counter, house, monkeypatch):
    monkeypatch.setattr(phrases, "RELOAD_S", 0.0)
    tenant = house.registry.by_slug("lam-dong")
    own = {
        "dossiers.status_4_label": "Đang được xem xét",
        "dossiers.status_4_sentence": "Chuyên viên đang xem hồ sơ của anh/chị.",
        "dossiers.moment": "{day}, {time}",
        "receipts.due": "Ngày trả kết quả",
        "receipts.step_processed": "Xem xét",
        "receipts.open_oa": "Nhắn Zalo {province}",
        "receipts.copied": 'Đã chép "xong" <b>',
        "receipts.picture": "Mã QR của {code}",
    }
    code = await counter.dossier()
    async with house.registry.db.tenant(tenant.id) as session:
        for key, said in own.items():
            await set_wording(session, tenant.id, key, said, actor="cli:an")
    svg = (await counter.receipt(code, "svg")).decode()
    assert f"<title>Mã QR của {code}</title>" in svg
    await counter.receipt(code, "pdf")
    vault = await house.registry.tenant_vault(tenant.id)
    from govchat.procedures.book import Book
    from govchat.receipts import issue

    async with house.registry.db.tenant(tenant.id) as session:
        printed = await issue.receipt_of(
            session, vault, tenant, Book(house.registry.db, house.registry).of(tenant.id), code
        )
    async with house.http.get(f"{house.url}/q/{printed.token}") as answer:
        text = await answer.text()
    for said in ("Đang được xem xét", "Chuyên viên đang xem", "03/11/2026, 09:12", "Ngày trả kết quả", "Xem xét</li>"):
        assert said in text
    assert "Nhắn Zalo Tỉnh Lâm Đồng" in text
    assert 'data-done="Đã chép &#34;xong&#34; &lt;b&gt;"' in text
    async with house.registry.db.tenant(tenant.id) as session:
        for key in own:
            await set_wording(session, tenant.id, key, None, actor="cli:an")
    async with house.http.get(f"{house.url}/q/{printed.token}") as answer:
        assert "Đang xử lý" in await answer.text()


async def test_own_words_are_read_once_in_a_while(house):
    tenant = house.registry.by_slug("lam-dong")
    words = phrases.OwnPhrases(house.registry.db, "govchat.receipts")
    first = await words.of(tenant.id)
    assert await words.of(tenant.id) is first


async def test_whatever_goes_wrong_the_citizen_reads_a_page(house, monkeypatch):
    async def broken(*_):
        raise RuntimeError("broken")

    async with house.http.get(f"{house.url}/q/") as answer:
        assert (answer.status, "Không tìm thấy hồ sơ" in await answer.text()) == (404, True)
    monkeypatch.setattr(routes, "recognise", broken)
    async with house.http.get(f"{house.url}/q/{'A' * 24}") as answer:
        text = await answer.text()
        assert (answer.status, answer.content_type) == (500, "text/html")
        assert "Hệ thống đang bận" in text
        assert "broken" not in text


PRINTED = Printed(
    token="A" * 24, code="H36.01-261103-0007", status=4, unit="Sở Xây dựng", procedure_name="Cấp giấy phép xây dựng mới",
    applicant="Trịnh Thị Phương Hiền", received_at=None, due_at=None,
)  # fmt: skip


def longest() -> dict[str, str]:
    said = {}
    for key in limits(ROOM):
        places = " ".join(f"{{{name}}}" for name in sorted(KEYS[f"receipts.{key}"]))
        room = longest_of(f"receipts.{key}") - len(places) - 1
        said[f"receipts.{key}"] = f"{('ĐƯỜNG MƯƠNG ' * 30)[:room].rstrip()} {places}".strip()
    return said


def test_the_longest_words_stay_on_the_sheet_and_beside_the_code(house, monkeypatch):
    drawn: list[tuple[float, float]] = []
    write = sheet._words

    def seen(paper, x, y, *texts, **options):
        drawn.append((y, write(paper, x, y, *texts, **options)))
        return drawn[-1][1]

    monkeypatch.setattr(sheet, "_words", seen)
    tenant = house.registry.by_slug("lam-dong")
    address = "https://zalo.lamdong.gov.vn/q/" + "A" * 24
    with overlaid(longest()):
        content = sheet.pdf(tenant, PRINTED, address)
        svg, png = label.svg(address, PRINTED.code), label.png(address, PRINTED.code)
    assert len(re.findall(rb"/Type /Page\b", content)) == 1
    assert max(end for _, end in drawn) < 206
    head = [end for began, end in drawn if 28 < began < 45]
    assert max(head) <= 46, "the heading ends above the box of the code"
    table = [end for began, end in drawn if 62 < began < 127]
    assert max(table) <= 128, "the lines end above the QR code"
    beside = [end for began, end in drawn if 127 <= began < 181]
    assert max(beside) <= 182, "the words beside the QR code end above the line"
    assert svg.count(b"<path") == 3
    assert Image.open(io.BytesIO(png)).size[0] == (33 + 8) * 16


@pytest.mark.parametrize("key", sorted(limits(ROOM)))
def test_every_word_of_the_room_can_be_printed(key):
    assert letters.MISSING not in letters.said(key, **dict.fromkeys(KEYS[f"receipts.{key}"], "x"))
