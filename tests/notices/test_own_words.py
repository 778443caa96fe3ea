"""A province rewords a status, a button or a stand-in once: notices say it from the next change on, in words and in templates."""

from datetime import timedelta

import msgspec
import pytest
from tests.notices.stage import NOON, Stage, counted, then

from govchat.conversation.overrides import WordingRefused, set_wording
from govchat.notices import arrange
from govchat.notices.facts import facts_of
from govchat.notices.fit import Use, filled
from govchat.notices.kinds import Kind
from govchat.notices.policy import policy_of
from govchat.notices.templates import map_template, take_in
from govchat.notices.weigh import say
from govchat.tenants.phrases import own_phrases, sound
from govchat.tenants.registry import Registry
from govchat.zalo.messages import CsMessage
from govchat.zalo.templates import Param, TemplateInfo, TemplateQuota, UidTemplate

PARAMS = (
    *(Param("ho_ten", "NAME", 30), Param("ma_ho_so", "CODE", 30), Param("trang_thai", "STATUS", 30)),
    *(Param("can_bo", "CUSTOM_LABEL", 30), Param("cap_nhat", "DATE", 20), Param("tiep_nhan", "CUSTOM_LABEL", 30)),
)
INFO = TemplateInfo(
    template_id="310077",
    name="Hồ sơ",
    status="ENABLE",
    tag="TRANSACTION",
    params=PARAMS,
    price_uid=300,
    price_phone=800,
)
LATE = frozenset({"accepted_late"})


@pytest.fixture
async def stage(registry: Registry) -> Stage:
    return await Stage.open(registry, "phu-tho")


async def reword(stage: Stage, **said: str | None) -> None:
    async with stage.db.tenant(stage.id) as session:
        for key, text in said.items():
            await set_wording(session, stage.id, key.replace("__", ".", 1), text, actor="cli:an")


async def test_status_moment_and_buttons_are_said_as_the_province_says_them(stage: Stage) -> None:
    change = msgspec.structs.replace(await stage.dossier(), flags=LATE)
    await stage.follower(change)
    await reword(
        stage,
        dossiers__status_2_label="Bộ phận Một cửa đã nhận",
        dossiers__moment="{day} lúc {time}",
        notices__button_show="Mở hồ sơ của tôi",
        notices__button_end="Thôi, đừng báo nữa",
    )
    with counted(stage.db) as asked:
        assert await stage.plan(change) == [1]
    assert len(asked) <= 5, "what a province says otherwise costs no query of its own"
    ((_, message),) = await stage.queued(change)
    assert isinstance(message, CsMessage)
    assert "Tình trạng: Bộ phận Một cửa đã nhận" in message.plain_text
    assert "Nộp, tiếp nhận lúc: 17/11/2026 lúc 12:00" in message.plain_text
    assert [(each.title, each.payload) for each in message.buttons] == [
        ("Mở hồ sơ của tôi", f"tra cứu {change.code}"),
        ("Thôi, đừng báo nữa", f"hủy nhận thông báo {change.code}"),
    ]
    async with stage.db.tenant(stage.id) as session:
        said = await own_phrases(session, stage.id, "govchat.dossiers")
    assert said["dossiers.status_2_label"] == "Bộ phận Một cửa đã nhận", "chat and receipts read the same row"
    await reword(stage, dossiers__status_2_label=None, dossiers__moment=None, notices__button_show=None)
    async with stage.db.tenant(stage.id) as session:
        policy = await policy_of(session, stage.id, NOON)
    assert policy.phrases == {"notices.button_end": "Thôi, đừng báo nữa"}


async def test_a_template_gets_the_short_name_where_the_provinces_own_is_too_long(stage: Stage) -> None:
    async with stage.db.tenant(stage.id) as session:
        await take_in(session, stage.id, [INFO], TemplateQuota(1000, 1000))
        fields = {"can_bo": "officer", "cap_nhat": "changed", "tiep_nhan": "received"}
        await map_template(session, stage.id, None, "310077", fields, actor="cli:test")
        await arrange.settle(session, stage.id, monthly_budget=10_000, actor="cli:test")
    long = "Đã được Bộ phận Một cửa tiếp nhận đầy đủ"
    await reword(
        stage,
        dossiers__status_2_label=long,
        dossiers__moment="{time} (giờ Việt Nam), {day}",
        notices__instead_officer="chuyên viên thụ lý",
    )
    change = msgspec.structs.replace(await stage.dossier(), officer=None)
    await stage.follower(change, spoke=timedelta(days=20))
    assert await stage.plan(change) == [1]
    ((_, message),) = await stage.queued(change)
    assert isinstance(message, UidTemplate)
    assert message.template_data == {
        "ho_ten": "Trịnh Thị Phương Hiền",
        "ma_ho_so": change.code,
        "trang_thai": "Được tiếp nhận",
        "can_bo": "chuyên viên thụ lý",
        "cap_nhat": "12:00 20/11/2026",
        "tiep_nhan": "12:00 17/11/2026",
    }
    await reword(stage, dossiers__status_2_short="Một cửa đã nhận")
    async with stage.db.tenant(stage.id) as session:
        policy = await policy_of(session, stage.id, NOON)
    assert say(policy, change, Kind.RECEIVED).data["trang_thai"] == "Một cửa đã nhận"
    use = policy.templates(Kind.RECEIVED)[0]
    wide = msgspec.structs.replace(use, params=[{**each, "max_length": 60} for each in use.params])
    assert _trang_thai(wide, policy.phrases, change) == long


def _trang_thai(use: Use, own: dict[str, str], change: object) -> str:
    from govchat.kit.phrases import overlaid

    with overlaid(own):
        data = filled(use, facts_of(change))  # type: ignore[arg-type]
    assert isinstance(data, dict)
    return data["trang_thai"]


async def test_the_step_within_a_status_is_the_provinces_too_and_an_older_change_keeps_its_own(stage: Stage) -> None:
    product = "Cơ quan đang chờ anh/chị nộp phí, lệ phí đã thông báo."
    change = then(await stage.dossier(), status=6)
    told = msgspec.structs.replace(change, step=product, flags=frozenset({"sub:fee"}))
    gone = msgspec.structs.replace(change, step="Bước cũ.", flags=frozenset({"sub:no_more"}))
    assert [facts_of(each).said["step"] for each in (told, gone)] == [product, "Bước cũ."]


@pytest.mark.parametrize(
    ("key", "said", "why"),
    [
        ("dossiers.status_4_short", "Cơ quan có thẩm quyền đang xem xét", "viết gọn trong 30 ký tự"),
        ("dossiers.status_4_label", "Đang\nxử lý", "một dòng"),
        ("notices.button_show", "Xem {code}", "không có chỗ điền nào"),
        ("notices.instead_unit", "Cơ quan\u200b", "không nhìn thấy"),
        ("dossiers.moment", "{time}", "thiếu chỗ điền {day}"),
        ("notices.button_shwo", "Xem", r'có phải ý là "notices\.button_show"'),
    ],
)
async def test_what_does_not_fit_is_refused_with_the_way_out(stage: Stage, key: str, said: str, why: str) -> None:
    async with stage.db.tenant(stage.id) as session:
        with pytest.raises(WordingRefused, match=why):
            await set_wording(session, stage.id, key, said, actor="cli:an")


def test_words_that_no_longer_fit_are_left_out() -> None:
    kept = {"notices.button_show": "Mở", "dossiers.status_4_label": "Đang làm"}
    stale = {
        "notices.button_end": "Thôi {code}",
        "dossiers.status_4_short": "x" * 31,
        "notices.gone": "x",
        "notices.instead_unit": None,
    }
    assert sound({**kept, **stale, "dossiers.moment": "{time"}) == kept
