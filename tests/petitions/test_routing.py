"""Complaints and denunciations: the law's way, the right office, and nothing kept."""

import unicodedata
from datetime import date

import msgspec
import pytest

from govchat.kit.phrases import phrases
from govchat.petitions.routing import RouteUnknown, routes, routing_for, told, told_part
from govchat.petitions.tell import ROOM
from govchat.tenants.schema import Agency

DAY = date(2026, 11, 22)


def test_a_complaint_has_the_limits_of_the_law_of_that_day() -> None:
    route = routing_for("complaint", DAY).route
    assert (route.limit_of("file").days, route.limit_of("accept").days, route.limit_of("accept").working) == (
        90,
        7,
        True,
    )
    first = route.limit_of("first")
    assert (first.days, first.complex, first.remote, first.remote_complex) == (30, 45, 45, 60)
    with pytest.raises(RouteUnknown, match="2026-06-30"):
        routing_for("complaint", date(2026, 6, 30))  # the rule before Decree 155/2026 is not ours to tell
    with pytest.raises(RouteUnknown, match="expected one of complaint, denunciation, land_dispute"):
        routing_for("petition", DAY)


def test_a_denunciation_is_told_to_keep_its_words_to_itself() -> None:
    text = told(routing_for("denunciation", DAY))
    assert "đừng kể chi tiết việc tố cáo" in text
    assert "bí mật" in text


def test_the_provinces_own_offices_come_with_it(registry) -> None:
    manifest = registry.by_slug("lam-dong").manifest
    agency = Agency(code="tcd", name="Ban Tiếp công dân tỉnh Lâm Đồng", address="4 Trần Hưng Đạo")
    with_office = msgspec.structs.replace(manifest, agencies=(*manifest.agencies, agency))
    assert agency in routing_for("complaint", DAY, with_office).offices
    assert routing_for("land_dispute", DAY, with_office).offices == ()


def test_every_sentence_is_short_whole_and_in_nfc() -> None:
    texts = {f"route {one.kind}": told(routing_for(one.kind, DAY)) for one in routes()} | dict(phrases(ROOM))
    for name, words in texts.items():
        assert unicodedata.is_normalized("NFC", words), name
        assert 0 < len(words) <= 2000, name
        assert "  " not in words, name
        assert not name.startswith("button") or len(words) <= 100


@pytest.mark.parametrize(
    ("kind", "part", "says"),
    [
        ("complaint", "next", "30 ngày"),
        ("complaint", "time", "90 ngày"),
        ("complaint", "paper", "chữ ký"),
        ("complaint", "where", "nơi tiếp công dân"),
        ("denunciation", "secret", "giữ bí mật"),
        ("denunciation", "again", "không được lưu"),
        ("denunciation", "time", "90 ngày"),
        ("denunciation", "paper", "không gửi đơn"),
        ("denunciation", "where", "người đứng đầu"),
        ("land_dispute", "time", "30 ngày"),
        ("land_dispute", "next", "50 ngày"),
        ("land_dispute", "paper", "giấy chứng nhận"),
        ("land_dispute", "where", "xã, phường"),
    ],
)
def test_one_side_of_it_is_told_in_short_with_the_limits_of_the_day(kind: str, part: str, says: str) -> None:
    short = told_part(routing_for(kind, DAY), part)
    assert says in short
    assert len(short) < len(told(routing_for(kind, DAY)))
