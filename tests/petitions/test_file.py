"""Filing: codes that can be copied, dates of the law, what is sealed, floods and repetitions."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.notices.stage import NOON
from tests.petitions.filing import TEXT, do, filed

from govchat.kit.clock import VN
from govchat.kit.crypto import SealBroken
from govchat.petitions import codes
from govchat.petitions.categories import categories, suggest
from govchat.petitions.file import PetitionLimit, PetitionUnfit
from govchat.petitions.judge import Lack, flags_of, lacks
from govchat.petitions.lookup import own as own_petitions
from govchat.petitions.lookup import status_of
from govchat.petitions.private import unseal
from govchat.petitions.rules import PetitionRulesInvalid, rules_for, settle


@given(st.integers(0, 9), st.sampled_from(codes.LETTERS))
def test_a_mistyped_letter_never_makes_another_sound_code(place: int, letter: str) -> None:
    code = codes.new()
    letters = list(code.removeprefix("PA-").replace("-", ""))
    if letters[place] != letter:
        letters[place] = letter
        assert codes.normalise("PA" + "".join(letters)) is None


def test_a_code_is_read_as_people_copy_it() -> None:
    code = codes.new()
    bare = code.replace("-", "")
    for written in (code, code.lower(), bare, f" {bare[:2]} {bare[2:7]} {bare[7:]} ", code.replace("-", ".")):
        assert codes.normalise(written) == code
    assert codes.find(f"cho hỏi {code.lower()} tới đâu rồi ạ") == code
    assert codes.find("PA-23456-78923 và không có mã nào đúng") is None
    assert len({codes.new() for _ in range(500)}) == 500


def test_dates_are_counted_in_working_days_of_the_rule_of_that_day() -> None:
    from govchat.kit.workdays import national

    # Friday 20 November 2026; the 24th is a holiday.
    forward, answer = rules_for("reflection", date(2026, 11, 20)).dates(national(), NOON)
    assert forward == datetime(2026, 11, 30, 17, 0, tzinfo=VN)
    assert answer == datetime(2026, 12, 7, 17, 0, tzinfo=VN)
    assert rules_for("proposal", date(2026, 11, 20)).legal_forward
    assert not rules_for("scene", date(2026, 11, 20)).legal_answer


async def test_a_petition_is_sealed_and_stands_for_its_citizen(stage) -> None:
    citizen, other = await stage.citizen(), await stage.citizen()
    made = await filed(stage, citizen, at=NOON)
    assert made.is_new
    assert made.due_at == datetime(2026, 12, 7, 17, 0, tzinfo=VN)
    (row,) = await stage.rows("SELECT * FROM petitions WHERE tenant_id = :tenant AND id = :id", id=made.id)
    for told in (TEXT, "Hiền"):
        assert told.encode() not in bytes(row.private_sealed)
    private = unseal(stage.vault, made.id, row.private_sealed)
    assert private is not None
    assert (private.text, private.name) == (TEXT, "Trịnh Thị Hiền")
    with pytest.raises(SealBroken):
        unseal(stage.vault, citizen.id, row.private_sealed)
    standing = await do(stage, status_of, citizen.id, made.code.lower())
    assert (standing.is_own, standing.summary, standing.state_title) == (True, TEXT, "Đã tiếp nhận")
    public = await do(stage, status_of, other.id, made.code)
    assert (public.is_own, public.summary, public.answer, public.can_reopen) == (False, None, None, False)
    assert await do(stage, status_of, citizen.id, codes.new()) is None
    assert [one.code for one in await do(stage, own_petitions, citizen.id)] == [made.code]
    assert await do(stage, own_petitions, other.id) == []


async def test_the_same_words_again_are_the_same_petition(stage) -> None:
    citizen = await stage.citizen()
    first = await filed(stage, citizen)
    again = await filed(stage, citizen)
    assert (again.code, again.is_new) == (first.code, False)
    assert (await filed(stage, citizen, kind="scene")).code != first.code


async def test_a_day_takes_five_petitions_of_a_citizen(stage) -> None:
    citizen, other = await stage.citizen(), await stage.citizen()
    for number in range(5):
        await filed(stage, citizen, text=f"{TEXT} Lần {number}", at=NOON + timedelta(minutes=number))
    with pytest.raises(PetitionLimit):
        await filed(stage, citizen, text="Thêm một việc khác nữa", at=NOON + timedelta(hours=1))
    assert (await filed(stage, other, at=NOON)).is_new
    assert (await filed(stage, citizen, text="Việc của ngày hôm sau", at=NOON + timedelta(days=1))).is_new


@pytest.mark.parametrize("changes", [{"kind": "complaint"}, {"text": "  "}, {"text": "a" * 4001}])
async def test_what_makes_no_petition_is_refused(stage, changes) -> None:
    with pytest.raises(PetitionUnfit):
        await filed(stage, await stage.citizen(), **changes)


def test_a_name_is_asked_for_where_the_law_wants_one_and_a_place_for_scenes() -> None:
    assert lacks("reflection", TEXT, name=None, has_place=False) == (Lack.NAME,)
    assert lacks("scene", TEXT, name=None, has_place=False) == (Lack.PLACE,)
    assert lacks("scene", TEXT, name=None, has_place=True) == ()
    assert lacks("proposal", "😀😀 ...", name="Hiền", has_place=False) == (Lack.TEXT,)


def test_anger_is_marked_and_never_refused() -> None:
    assert flags_of("scene", "đồ khốn nạn, sửa đường đi", name=None, anonymous=True) == ["abusive", "anonymous"]
    assert flags_of("reflection", "Đo đạc mất dạng, xin xem lại", name=None, anonymous=False) == ["nameless"]
    assert lacks("scene", "đồ khốn nạn, sửa đường đi", name=None, has_place=True) == ()


def test_a_sentence_suggests_its_category() -> None:
    assert suggest("rác thải bốc mùi hôi, ô nhiễm quá")[0].key == "environment"
    assert suggest("karaoke ồn ào cả đêm")[0].key == "noise"
    assert suggest("xin chào") == []
    assert [one.key for one in categories()][-1] == "other"


async def test_a_province_promises_less_time_but_never_nonsense(registry) -> None:
    from tests.notices.stage import Stage

    stage = await Stage.open(registry, "hue")
    async with stage.db.tenant(stage.id) as session:
        await settle(session, stage.id, actor="cli:test", answer_workdays={"scene": 2}, most_a_day=1)
    citizen = await stage.citizen()
    made = await filed(stage, citizen, kind="scene", at=NOON)
    assert made.due_at == datetime(2026, 11, 25, 17, 0, tzinfo=VN)
    with pytest.raises(PetitionLimit):
        await filed(stage, citizen, kind="scene", text="Một chỗ khác cũng hỏng", at=NOON)
    for wrong in ({"answer_workdays": {"scene": 0}}, {"answer_workdays": {"khác": 3}}, {"most_reopens": 10}):
        async with stage.db.tenant(stage.id) as session:
            with pytest.raises(PetitionRulesInvalid):
                await settle(session, stage.id, actor="cli:test", **wrong)
