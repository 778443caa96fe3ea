"""Audiences: segments, lists and ids; values are bound and never part of the SQL."""

import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from tests.campaigns.stage import Stage

from govchat.kit import clock

SLUG = "tuyen-quang"


async def recipients(stage: Stage, segment: dict[str, Any], slug: str = SLUG) -> int:
    made = await stage.draft(slug, audience={"segment": segment})
    status, told = await stage.call(slug, "GET", f"/{made['id']}/estimate")
    assert status == 200, told
    return int(told["recipients"])


@pytest.fixture(scope="module")
async def town(stage: Stage) -> Stage:
    """Ten followers, some with labels, one with a dossier."""
    tenant = await stage.followers(SLUG, 10)
    table = (
        "Mã Zalo;Xã;Nhãn\n"
        f"dev-{SLUG}-1;Xã Sơn Dương;Trưởng thôn, Hộ nghèo\n"
        f"dev-{SLUG}-2;xã sơn dương;hộ nghèo\n"
        f"dev-{SLUG}-3;Phường Minh Xuân;\n"
        "nobody;Xã Yên Sơn;\n"
        ";Xã Yên Sơn;x\n"
    )
    status, told = await stage.call(SLUG, "POST", "/labels", data=table.encode())
    assert (status, told["labelled"]) == (200, 3), told
    assert [each["line"] for each in told["problems"]] == [5, 6]
    await stage.house.put_dossier(SLUG, "H60.12-261103-0007", status=4)
    await stage.run(
        SLUG,
        "INSERT INTO dossier_followers (tenant_id, dossier_id, citizen_id, how, since) "
        "SELECT :tenant, d.id, c.id, 'secret', now() FROM dossiers d, citizens c "
        "WHERE d.tenant_id = :tenant AND c.tenant_id = :tenant AND c.zalo_user_id = :user",
        user=f"dev-{SLUG}-4",
    )
    await stage.run(
        SLUG,
        "UPDATE citizens SET last_interaction_at = :at WHERE tenant_id = :tenant AND zalo_user_id = :user",
        at=clock.now() - timedelta(days=40),
        user=f"dev-{SLUG}-9",
    )
    assert tenant.slug == SLUG
    return stage


@pytest.mark.parametrize(
    ("segment", "wanted"),
    [
        ({"communes": ["Xã Sơn Dương"]}, 2),
        ({"communes": ["XA SON DUONG", "Phường Minh Xuân"]}, 3),
        ({"communes": ["Xã Sơn Dương"], "tags": ["Trưởng thôn"]}, 1),
        ({"tags": ["ho ngheo"]}, 2),
        ({"procedures": ["1.013225"]}, 1),
        ({"procedures": ["1.013225"], "dossier_states": [10]}, 0),
        ({"dossier_states": [4], "dossier_units": ["Sở Xây dựng"]}, 1),
        ({"fields": ["hoat dong xay dung"]}, 1),
        ({"interacted_within_days": 30}, 9),
        ({"not_interacted_within_days": 30}, 1),
        ({"communes": ["x'); DROP TABLE campaigns; --", "%", '" OR 1=1']}, 0),
        ({"tags": [":tenant", "\\", "{audience}"]}, 0),
    ],
)
async def test_a_segment_is_everybody_of_whom_all_of_it_holds(
    town: Stage, segment: dict[str, Any], wanted: int
) -> None:
    assert await recipients(town, segment) == wanted


async def test_an_audience_that_names_nothing_or_something_unknown_is_refused(town: Stage) -> None:
    body = {"name": "x", "class": "announcement", "message": {"text": "x"}}
    for audience, field in (
        ({}, "exactly one"),
        ({"all_followers": True, "user_ids": ["a"]}, "exactly one"),
        ({"segment": {}}, "không chọn ai"),
        ({"segment": {"fields": ["Chăn dắt rồng"]}}, "Chăn dắt rồng"),
        ({"segment": {"procedures": ["9.999999"]}}, "9.999999"),
        ({"segment": {"list_id": "0190c0de-0000-7000-8000-000000000000"}}, "list_id"),
        ({"segment": {"dossier_states": [11]}}, "dossier_states"),
        ({"segment": {"village": ["x"]}}, "village"),
    ):
        status, told = await town.call(SLUG, "POST", "", body={**body, "audience": audience})
        assert (status, field in str(told)) == (422, True), told


async def test_a_list_is_read_line_by_line_and_its_words_are_said(town: Stage) -> None:
    book = openpyxl.Workbook()
    for row in (
        ["Danh sách", None, None], ["Họ và tên", "SĐT", "Zalo user id"], ["Lò Thị Mai", None, f"dev-{SLUG}-5"],
        ["Ai đó", 12, None], ["Quàng Văn Cường", 912000111, None], [None, None, f"dev-{SLUG}-5"], ["Không ai", None, None],
    )[1:]:  # fmt: skip
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    tenant = town.tenant(SLUG)
    vault = await town.house.registry.tenant_vault(tenant.id)
    await town.run(
        SLUG,
        "UPDATE citizens SET phone_index = :index WHERE tenant_id = :tenant AND zalo_user_id = :user",
        index=vault.index("84912000111", "phone"),
        user=f"dev-{SLUG}-6",
    )
    status, told = await town.call(SLUG, "POST", "/lists?name=hop-thon", data=held.getvalue())
    assert (status, told["lines"], told["known"]) == (201, 5, 2), told
    assert [each["line"] for each in told["problems"]] == [3, 5, 6]
    assert "cùng một người với dòng 2" in told["problems"][1]["problem"]
    campaign = await town.released(
        SLUG, message={"text": "Kính mời {ten} dự họp."}, audience={"segment": {"list_id": told["list_id"]}}
    )
    assert (await town.through(SLUG, campaign))["counts"]["sent"] == 2
    assert town.heard(SLUG, f"dev-{SLUG}-5") == ["Kính mời Lò Thị Mai dự họp."]
    assert town.heard(SLUG, f"dev-{SLUG}-6") == ["Kính mời Quàng Văn Cường dự họp."]


@pytest.mark.parametrize("content", [b"", b"x,y\n1,2\n", b"\xff\xfe", b"PK\x03\x04rubbish", b"user_id,user_id\n1,1\n"])
async def test_a_file_that_is_no_list_is_refused(town: Stage, content: bytes) -> None:
    status, told = await town.call(SLUG, "POST", "/lists", data=content)
    assert (status, told["code"]) == (422, "audience_list_unreadable")


async def test_pages_of_campaigns_are_newest_first_and_whole(town: Stage) -> None:
    slug = "dong-nai"
    made = [(await town.draft(slug, name=f"Tin {number}"))["id"] for number in range(5)]
    seen, cursor = [], ""
    while True:
        status, page = await town.call(slug, "GET", f"?limit=2{cursor}")
        assert status == 200
        seen += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen[:5] == made[::-1]
    assert len(seen) == len(set(seen))
    assert (await town.call(slug, "GET", "?cursor=abc"))[0] == 422


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"text": "Kính gửi {ho_ten}"}, "{ho_ten}"),
        ({"text": "x" * 1990 + "{ten}"}, "text"),
        ({"text": "x", "buttons": [{"title": "Mở"}]}, "url, phone, query"),
        ({"text": "x", "buttons": [{"title": "Mở", "url": "ftp://a.vn"}]}, "https"),
        ({"text": "x", "picture_id": "0190c0de-0000-7000-8000-000000000000"}, "picture_id"),
        ({"text": "x", "template": {"template_id": "1", "data": {"a": "b"}}}, "chưa có ở đây"),
    ],
)
async def test_a_message_that_zalo_would_refuse_is_refused_when_it_is_drafted(
    town: Stage, message: dict[str, Any], says: str
) -> None:
    body = {"name": "x", "class": "announcement", "message": message, "audience": {"all_followers": True}}
    status, told = await town.call(SLUG, "POST", "", body=body)
    assert (status, told["code"], says in told["detail"]) == (422, "campaign_message_invalid", True), told


async def test_a_picture_is_handed_to_zalo_once_and_its_links_are_written_out(town: Stage) -> None:
    from PIL import Image

    slug = "can-tho"
    await town.followers(slug, 2)
    held = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(held, "PNG")
    status, picture = await town.call(slug, "POST", "/pictures", data=held.getvalue())
    assert (status, picture["ready"]) == (201, False)
    message = {
        "text": "Xem ảnh",
        "picture_id": picture["picture_id"],
        "buttons": [{"title": "Trang tin", "type": "oa.open.url", "payload": {"url": "https://cantho.gov.vn"}}],
    }
    for _ in range(2):
        told = await town.through(slug, await town.released(slug, message=message))
        assert told["counts"]["sent"] == 2, told
    assert town.heard(slug, f"dev-{slug}-1") == ["Xem ảnh\nTrang tin: https://cantho.gov.vn"] * 2
    account = town.tenant(slug).oa_id
    assert sum(each.oa_id == account for each in town.house.zalo.world.uploads.kept.values()) == 1
