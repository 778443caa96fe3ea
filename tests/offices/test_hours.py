"""Open or closed, why, and when again: weekends, holidays, swaps, make-up Saturdays, police counters."""

from datetime import date, datetime

import msgspec
import pytest

from govchat.kit.clock import VN
from govchat.offices.find import find, map_link
from govchat.offices.hours import Why, holidays_ahead, is_open_at, next_open, next_open_day, open_on
from govchat.tenants.schema import Agency, WorkingHours

POLICE = Agency(
    code="cong-an",
    name="Công an tỉnh Lâm Đồng",
    address="4 Trần Bình Trọng",
    hours=WorkingHours(saturday="07:30-11:30"),
)
CENTRE = Agency(code="ttpvhcc", name="Trung tâm Phục vụ hành chính công tỉnh Lâm Đồng")


@pytest.fixture
def manifest(registry):
    return msgspec.structs.replace(registry.by_slug("lam-dong").manifest, agencies=(CENTRE, POLICE))


@pytest.mark.parametrize(
    ("day", "agency", "is_open", "why", "name"),
    [
        (date(2026, 11, 23), CENTRE, True, Why.WORKDAY, ""),
        (date(2026, 11, 21), CENTRE, False, Why.WEEKEND, ""),
        (date(2026, 11, 21), POLICE, True, Why.SATURDAY, ""),
        (date(2026, 11, 24), POLICE, False, Why.HOLIDAY, "Ngày Văn hóa Việt Nam"),
        (date(2026, 8, 22), CENTRE, True, Why.MAKEUP, "Làm bù cho ngày 31/08/2026"),
        (date(2026, 8, 31), None, False, Why.SWAP, "Nghỉ hoán đổi dịp Quốc khánh"),
        (date(2026, 4, 27), None, False, Why.COMPENSATORY, "Nghỉ bù Giỗ Tổ Hùng Vương"),
        (date(2031, 9, 2), None, False, Why.HOLIDAY, ""),
    ],
)
def test_a_day_has_its_reason(manifest, day, agency, is_open, why, name) -> None:
    opening = open_on(manifest, agency, day)
    assert (opening.is_open, opening.why, opening.name) == (is_open, why, name)
    assert bool(opening.hours) is is_open


def test_what_no_notice_has_settled_is_told_as_such(manifest) -> None:
    assert open_on(manifest, None, date(2026, 11, 23)).settled
    assert not open_on(manifest, None, date(2027, 2, 10)).settled
    assert not open_on(manifest, None, date(2031, 3, 3)).settled


def test_it_opens_again(manifest) -> None:
    friday_evening = datetime(2026, 11, 20, 18, 0, tzinfo=VN)
    assert next_open(manifest, CENTRE, friday_evening) == datetime(2026, 11, 23, 7, 30, tzinfo=VN)
    assert next_open(manifest, POLICE, friday_evening) == datetime(2026, 11, 21, 7, 30, tzinfo=VN)
    lunch = datetime(2026, 11, 20, 12, 0, tzinfo=VN)
    assert not is_open_at(manifest, CENTRE, lunch)
    assert next_open(manifest, CENTRE, lunch) == datetime(2026, 11, 20, 13, 0, tzinfo=VN)
    inside = datetime(2026, 11, 20, 9, 15, tzinfo=VN)
    assert is_open_at(manifest, CENTRE, inside)
    assert next_open(manifest, CENTRE, inside) == inside
    tet = next_open_day(manifest, CENTRE, date(2026, 2, 16))
    assert (tet.day, tet.hours) == (date(2026, 2, 23), "07:30–11:30, 13:00–17:00")
    assert [each.day for each in holidays_ahead(manifest, date(2026, 11, 20))] == [date(2026, 11, 24)]
    with pytest.raises(ValueError, match="time zone"):
        is_open_at(manifest, None, datetime(2026, 11, 20, 9, 15))  # noqa: DTZ001


def test_an_office_is_found_by_what_people_call_it(manifest) -> None:
    assert find(manifest, "cong an tinh") == [POLICE]
    assert find(manifest, "ttpvhcc") == [CENTRE]
    assert find(manifest, "sở ngoại vụ") == []
    assert find(manifest, "") == []


def test_a_map_is_offered_only_for_a_known_address(manifest) -> None:
    link = map_link(manifest, POLICE)
    assert link is not None
    assert link.startswith("https://www.google.com/maps/search/?api=1&query=C%C3%B4ng+an")
    assert map_link(manifest, CENTRE) is None
