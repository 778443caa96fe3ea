"""Where an office is and when it is open: the one that was named, on the day that was asked, by the calendar."""

from datetime import UTC, datetime

import msgspec
import pytest

from govchat.conversation import events
from govchat.conversation.context import Context
from govchat.conversation.facts import facts_of
from govchat.conversation.say import Link, Say
from govchat.conversation.state import FRESH
from govchat.conversation.step import step
from govchat.kit.clock import VN
from govchat.offices.day import asked_day, spoken
from govchat.tenants.registry import Registry
from govchat.tenants.schema import Agency, WorkingHours

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)  # a Sunday
TODAY = NOW.astimezone(VN).date()
POLICE = Agency(
    code="cong-an", name="Công an tỉnh Lâm Đồng", address="4 Trần Bình Trọng", phone="0263 3822 000",
    hours=WorkingHours(saturday="07:30-11:30"),
)  # fmt: skip
CENTRE = Agency(code="ttpvhcc", name="Trung tâm Phục vụ hành chính công tỉnh Lâm Đồng")
LAND_1 = Agency(code="dd1", name="Văn phòng đăng ký đất đai Đà Lạt")
LAND_2 = Agency(code="dd2", name="Văn phòng đăng ký đất đai Bảo Lộc")


@pytest.fixture
def context(registry: Registry) -> Context:
    facts = facts_of(registry.by_slug("lam-dong"), registry.now, TODAY)
    assert facts.manifest is not None
    manifest = msgspec.structs.replace(facts.manifest, agencies=(CENTRE, POLICE, LAND_1, LAND_2))
    return Context(NOW, msgspec.structs.replace(facts, manifest=manifest))


def ask(context: Context, words: str) -> Say:
    (said,) = step(FRESH, events.Text(words), context).say
    return said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("thứ 7 có làm không", ["Công an tỉnh Lâm Đồng: 07:30–11:30"]),
        ("thứ 7 có làm không", ["Thứ bảy 28/11/2026: phần lớn cơ quan không làm việc", "Làm việc lại từ 07:30 thứ hai 30/11/2026"]),
        ("chủ nhật có làm việc không", ["Chủ nhật 22/11/2026: không làm việc"]),
        ("ngày mai có làm việc không", ["Thứ hai 23/11/2026: có làm việc, 07:30–11:30"]),
        ("24/11 có làm việc không", ["Thứ ba 24/11/2026: không làm việc, Ngày Văn hóa Việt Nam", "thứ tư 25/11/2026"]),
        ("tết có làm việc không", ["Tết Nguyên đán", "có thể thay đổi"]),
        ("công an thứ 7 có làm không", ["Công an tỉnh Lâm Đồng:", "Thứ bảy 28/11/2026: có làm việc, 07:30–11:30"]),
        ("mấy giờ làm việc", ["thứ ba 24/11/2026: không làm việc, Ngày Văn hóa Việt Nam"]),
        ("mấy giờ làm việc", ["Hôm nay không làm việc", "Ngày làm việc thường: 07:30–11:30, 13:00–17:00", "Thứ bảy 28/11"]),
    ],
)  # fmt: skip
def test_the_day_that_was_asked_is_answered_from_the_calendar(context: Context, words: str, says: list[str]) -> None:
    said = ask(context, words).text
    for piece in says:
        assert piece in said, said


def test_a_named_office_comes_with_its_map(context: Context) -> None:
    said = ask(context, "địa chỉ công an ở đâu")
    assert "0263 3822 000" in said.text
    (page,) = [button.url for button in said.buttons if isinstance(button, Link) and "maps" in button.url]
    assert "Tr%E1%BA%A7n" in page


def test_several_offices_are_offered_and_one_is_chosen(context: Context) -> None:
    said = ask(context, "địa chỉ văn phòng đất đai ở đâu")
    titles = [button.title for button in said.buttons]
    assert titles[:2] == [LAND_1.name, LAND_2.name]
    (chosen,) = step(FRESH, events.Tapped("#contact dd2"), context).say
    assert chosen.text.startswith("Văn phòng đăng ký đất đai Bảo Lộc:")
    assert "chưa được công bố" in chosen.text


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("thứ sáu tuần sau", "thứ sáu 27/11/2026"),
        ("t2 làm k", "thứ hai 23/11/2026"),
        ("cuối tuần", "thứ bảy 28/11/2026"),
        ("ngày 30 tháng 4", "thứ sáu 30/04/2027"),
        ("2/9/2026", "thứ tư 02/09/2026"),
        ("31/2", None),
        ("29/2", "thứ ba 29/02/2028"),
        ("mai", "thứ hai 23/11/2026"),
        ("quốc khánh", "thứ năm 02/09/2027"),
        ("mùng 2 tết có làm không", "chủ nhật 07/02/2027"),
        ("mong 4 tet", "thứ ba 09/02/2027"),
        ("28 tết", "thứ năm 04/02/2027"),
        ("giao thừa", "thứ sáu 05/02/2027"),
        ("tết dương lịch nghỉ mấy ngày", "thứ sáu 01/01/2027"),
        ("10/3 âm có nghỉ không", "thứ sáu 16/04/2027"),
        ("lễ này có nghỉ không", "thứ ba 24/11/2026"),
        ("ngày 25 có làm không", "thứ tư 25/11/2026"),
        ("nghỉ mấy ngày 2 tuần", None),
        ("có làm không", None),
    ],
)
def test_a_day_is_read_as_people_say_it(context: Context, words: str, day: str | None) -> None:
    assert context.tenant.manifest is not None
    found = asked_day(context.tenant.manifest, words, TODAY)
    assert (spoken(found) if found else None) == day


def test_the_one_stop_centre_is_meant_where_there_is_one(context: Context) -> None:
    said = ask(context, "trung tâm hành chính công ở đâu").text
    assert said.startswith("Trung tâm Phục vụ hành chính công tỉnh Lâm Đồng:")
    assert "chưa được công bố" in said


def test_who_asks_for_a_map_hears_that_no_address_is_known(context: Context) -> None:
    tenant = msgspec.structs.replace(
        context.tenant,
        address="",
        manifest=msgspec.structs.replace(context.tenant.manifest, agencies=()),
    )
    unknown = "chưa được công bố"
    assert unknown in ask(msgspec.structs.replace(context, tenant=tenant), "bản đồ").text
    assert unknown not in ask(msgspec.structs.replace(context, tenant=tenant), "thứ 7 có làm không").text


def talk(context: Context, *said: str) -> list[str]:
    """What is answered to each, one after the other."""
    state, answers = FRESH, []
    for words in said:
        outcome = step(state, events.Text(words), context)
        state = outcome.state
        answers.append(outcome.say[0].text)
    return answers


def test_short_questions_go_on_about_the_office_and_the_day(context: Context) -> None:
    said = talk(
        context, "công an thứ 7 có làm không", "chiều thì sao", "con van phong dat dai da lat", "sáng mai có làm không"
    )
    assert said[1].startswith("Công an tỉnh Lâm Đồng:")
    assert "Buổi chiều không làm việc" in said[1]
    assert said[2].startswith("Văn phòng đăng ký đất đai Đà Lạt:")
    assert "Thứ bảy 28/11/2026: không làm việc" in said[2]
    assert "Đà Lạt" in said[3]
    assert "Thứ hai 23/11/2026: có làm việc" in said[3]


def test_a_holiday_is_told_from_its_first_day_to_its_last(context: Context) -> None:
    (said,) = talk(context, "mùng 2 tết có làm không")
    assert "từ thứ sáu 05/02/2027 đến hết thứ năm 11/02/2027, 7 ngày" in said
    assert "Làm việc lại từ 07:30 thứ sáu 12/02/2027" in said
    assert "có thể thay đổi" in said, "the notice of that year is not out"


def test_a_make_up_saturday_is_a_working_day(context: Context) -> None:
    before = msgspec.structs.replace(context, now=datetime(2026, 8, 20, 2, 0, tzinfo=UTC))
    (said,) = talk(before, "thứ 7 có làm không")
    assert "Thứ bảy 22/08/2026: có làm việc" in said
    (monday,) = talk(before, "thứ hai 31/8 có làm không")
    assert "Nghỉ hoán đổi" in monday


@pytest.mark.parametrize("words", ["sở tài chính ở đâu", "cho em xin địa chỉ ubnd phường Xuân Hương", "sdt tòa án"])
def test_an_office_that_the_manifest_does_not_name_is_said_to_be_unknown(context: Context, words: str) -> None:
    said = ask(context, words)
    assert "chưa có địa chỉ, giờ làm việc riêng" in said.text
    assert "#person" in [getattr(button, "payload", "") for button in said.buttons]


def test_at_night_it_is_said_that_nobody_is_there(context: Context) -> None:
    night = msgspec.structs.replace(context, now=datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
    (said,) = talk(night, "giờ này còn ai làm không")
    assert "Lúc này ngoài giờ làm việc; mở cửa lại từ 07:30 thứ tư 25/11/2026" in said


def test_a_number_picks_an_office_that_was_offered(context: Context) -> None:
    said = talk(context, "địa chỉ văn phòng đất đai ở đâu", "2")
    assert said[1].startswith("Văn phòng đăng ký đất đai Bảo Lộc:")
