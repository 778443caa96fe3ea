"""Sample dossiers: the README's first example, plausible lives, people that belong to nobody, the same on every machine."""

import re
import unicodedata
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import islice

import msgspec
import pytest

from govchat.kit.clock import VN
from govchat.kit.workdays import national
from govchat.local.people import identity_prefix, officer, person
from govchat.local.places import COMMUNES, office_of
from govchat.local.samples import SampleDossier, generate, samples
from govchat.procedures.catalogue import starter

TODAY = date(2026, 11, 22)
PROVINCES = [
    ("dong-nai", "H19", ["H10"]),
    ("lam-dong", "H36", ["H11", "H16"]),
    ("ho-chi-minh", "H29", ["H06", "H09"]),
    ("ha-noi", "H26", []),
    ("ca-mau", "H12", ["H04"]),
]
MANY = list(generate("lam-dong", "H36", ["H11", "H16"], TODAY, 3_000))


def test_the_first_dossier_of_dong_nai_is_the_one_the_readme_asks_for() -> None:
    first = samples("dong-nai", "H19", ["H10"], TODAY)[0]
    assert first.code == "H19.12-261103-0007"
    assert first.lookup_secret == "K7PX"
    assert first.received_at == datetime(2026, 11, 3, 9, 12, tzinfo=VN)
    assert first.due_at == datetime(2026, 11, 27, 9, 12, tzinfo=VN)
    assert first.status == 4
    assert first.changed_at.date() == date(2026, 11, 16)


@pytest.mark.parametrize(("slug", "own", "absorbed"), PROVINCES)
def test_every_province_starts_alike_and_shows_all_ten_statuses(slug: str, own: str, absorbed: list[str]) -> None:
    made = samples(slug, own, absorbed, TODAY)
    assert len(made) == 24
    assert made[0].code == f"{own}.12-261103-0007"
    assert {each.status for each in made} == set(range(1, 11))
    assert [each.code.split(".")[0] for each in made[1 : 1 + len(absorbed)]] == absorbed
    assert all(each.code.startswith(own + ".") for each in made[1 + len(absorbed) :])


@pytest.mark.parametrize("today", [date(2026, 11, 22), date(2026, 12, 31), date(2027, 8, 1)])
def test_whoever_starts_later_sees_the_same_dossiers(today: date) -> None:
    assert samples("ha-noi", "H26", [], today) == samples("ha-noi", "H26", [], TODAY)


def test_a_longer_run_begins_with_the_shorter_one() -> None:
    assert list(islice(generate("ha-noi", "H26", [], TODAY, 500), 24)) == samples("ha-noi", "H26", [], TODAY)
    assert samples("ha-noi", "H26", [], TODAY, 0) == []


def test_the_same_dossiers_are_made_on_every_machine() -> None:
    # Written down once: a change here changes what people have noted from a running system.
    made = samples("dong-nai", "H19", ["H10"], TODAY)
    assert [(each.code, each.applicant.phone) for each in made[:4]] == [
        ("H19.12-261103-0007", "0999192718"),
        ("H10.113-250506-0027", "0999100637"),
        ("H19.136-261119-0006", "0999198556"),
        ("H19.18-261119-0008", "0999196475"),
    ]


@pytest.mark.parametrize("today", [date(2026, 11, 22), date(2026, 11, 9), date(2026, 11, 24)])
def test_nothing_happens_in_the_future(today: date) -> None:
    end = datetime.combine(min(today, TODAY), datetime.min.time(), VN)
    for each in generate("dong-nai", "H19", ["H10"], today, 300):
        assert each.received_at <= each.changed_at < end, each.code


def test_dates_follow_each_other_on_working_days_in_office_hours() -> None:
    calendar = national()
    for each in MANY:
        assert each.received_at <= each.changed_at, each.code
        assert each.due_at is None or each.due_at > each.received_at, each.code
        assert f"{each.received_at:%y%m%d}" == each.code.split("-")[1], each.code
        for moment in (each.received_at, each.changed_at):
            assert calendar.is_workday(moment), each.code
            assert any(start <= moment.time() <= close for start, close in calendar.spans(moment.date())), (
                each.code,
                moment,
            )


def test_only_dossiers_without_reception_have_no_appointment() -> None:
    assert {each.status for each in MANY if each.due_at is None} == {1, 3}


def test_some_are_late_and_some_were_answered_late() -> None:
    end = datetime(2026, 11, 22, tzinfo=VN)
    late = [each for each in MANY if each.status == 4 and each.due_at and each.due_at < end]
    answered_late = [each for each in MANY if each.status >= 9 and each.due_at and each.changed_at > each.due_at]
    running = [each for each in MANY if each.status == 4 and each.due_at and each.due_at >= end]
    in_time = [each for each in MANY if each.status >= 9 and each.due_at and each.changed_at <= each.due_at]
    assert all("quá hạn" in each.status_note and each.due_at and each.changed_at > each.due_at for each in late)
    assert all("trả chậm" in each.status_note for each in answered_late)
    assert 0.1 < len(late) / (len(late) + len(running)) < 0.5
    assert 0.1 < len(answered_late) / (len(answered_late) + len(in_time)) < 0.5


def test_codes_are_distinct_and_of_the_legal_shape() -> None:
    codes = [each.code for each in MANY]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"H\d\d\.\d{2,3}-\d{6}-\d{4}", code) for code in codes)


def test_a_load_test_finds_no_code_twice_among_many() -> None:
    codes = Counter(each.code for each in generate("dong-nai", "H19", [], TODAY, 20_000))
    assert len(codes) == 20_000
    assert all(len(code) <= 19 for code in codes)


def test_every_dossier_names_a_confirmed_procedure_that_a_province_handles() -> None:
    for each in MANY:
        procedure = starter().get(each.procedure_code)
        assert procedure is not None
        assert procedure.code_certainty == "confirmed"
        assert {"commune", "province"} & set(procedure.levels)
        assert procedure.field not in ("Giải quyết tố cáo", "Giải quyết khiếu nại", "Tiếp công dân")


def test_the_office_fits_the_procedure() -> None:
    names = {row.code: office.name("dong-nai", 3) for row in starter() if (office := office_of(row)) is not None}
    assert re.fullmatch(r"Ủy ban nhân dân (xã|phường) .+", names["1.000894"])
    assert re.fullmatch(r"Công an (xã|phường) .+", names["1.004222"])
    assert names["1.012783"] == "Chi nhánh Văn phòng đăng ký đất đai"
    assert names["2.001583"] == "Sở Tài chính"
    assert names["1.013236"] == "Sở Xây dựng"
    assert "3.000353" not in names  # the ministry's traffic police
    assert "2.002394" not in names  # a denunciation


def test_one_commune_has_one_number_and_one_name_in_a_province() -> None:
    units: dict[str, set[str]] = {}
    for each in MANY:
        number = each.code.split("-")[0].split(".")[1]
        if each.code.startswith("H36."):
            units.setdefault(number, set()).add(
                each.handler.unit.removeprefix("Ủy ban nhân dân ").removeprefix("Công an ")
            )
    assert all(len(names) == 1 for names in units.values()), units
    assert sum(len(number) == 3 for number in units) == len(COMMUNES)


def test_people_have_valid_shapes_and_the_prefix_of_their_province() -> None:
    for each in MANY:
        who = each.applicant
        prefix = identity_prefix(each.code[:3])
        assert re.fullmatch(r"0999\d{6}", who.phone)
        assert re.fullmatch(prefix + r"[0-3]\d{8}", who.id_number)
        century = 1900 if who.id_number[3] in "01" else 2000
        assert 1950 <= century + int(who.id_number[4:6]) <= 2007
        assert 3 <= len(who.name.split()) <= 4
        for text in (who.name, each.handler.officer, each.handler.unit, each.status_note):
            assert text == unicodedata.normalize("NFC", text)
        assert re.fullmatch(r"[A-Z0-9]{4}", each.lookup_secret)


def test_provinces_share_nobody() -> None:
    phones: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for slug, own, absorbed in PROVINCES:
        made = samples(slug, own, absorbed, TODAY)
        assert len({each.applicant.phone for each in made}) == len(made), slug
        assert len({each.applicant.name for each in made}) > len(made) - 4, slug
        phones.update(each.applicant.phone for each in made)
        numbers.update(each.applicant.id_number for each in made)
    assert max(phones.values()) == 1
    assert max(numbers.values()) == 1


def test_results_come_with_a_decision_and_lead_nowhere_real() -> None:
    for each in MANY:
        assert bool(each.results) == (each.status >= 9), each.code
        assert all(result.url.startswith("https://dichvucong.example/") for result in each.results)
        assert each.status_note, each.code
        assert each.handler.unit, each.code
        assert each.handler.officer, each.code


def test_a_dossier_is_the_body_that_one_stop_systems_push() -> None:
    body = msgspec.json.decode(msgspec.json.encode(samples("dong-nai", "H19", [], TODAY)[0]))
    assert set(body) == {
        "code", "procedure_code", "applicant", "lookup_secret", "received_at", "due_at", "status", "status_note", "handler",
        "changed_at", "results",
    }  # fmt: skip
    assert set(body["applicant"]) == {"name", "phone", "id_number"}
    assert set(body["handler"]) == {"unit", "officer"}
    assert body["received_at"] == "2026-11-03T09:12:00+07:00"
    assert isinstance(MANY[0], SampleDossier)


def test_refusals_come_soon_and_the_paused_have_no_result() -> None:
    calendar = national()
    for each in MANY:
        if each.status == 3:
            assert calendar.workdays_between(each.received_at, each.changed_at) <= 3, each.code
            assert each.status_note.startswith("Từ chối tiếp nhận: ")
        if each.status in (1, 2):
            assert each.changed_at - each.received_at < timedelta(minutes=30)


def test_an_unknown_province_code_is_refused() -> None:
    for code in ("H00", "H64", "19", "H1", "H1²"):
        with pytest.raises(ValueError, match="expected H01 to H63"):
            samples("nowhere", code, [], TODAY)


def test_a_province_has_ten_thousand_people_with_varied_names() -> None:
    people = [person("H19", number) for number in range(0, 10_000, 20)]
    assert len({who.phone for who in people}) == 500
    assert len({who.name for who in people}) > 400
    assert officer(7) == officer(7) != officer(8)
