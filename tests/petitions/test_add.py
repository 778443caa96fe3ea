"""Completing a petition: what is added, who may, until when; names and communes read from words."""

import pytest
from tests.notices.stage import NOON
from tests.petitions.filing import TEXT, do, filed

from govchat.files.keep import Kept
from govchat.kit.ids import new_id
from govchat.petitions import within
from govchat.petitions.add import Holds, More, PetitionFull, add, draft_owner, hold_photo, wants
from govchat.petitions.change import PetitionMoveRefused, PetitionNotFound
from govchat.petitions.file import PetitionUnfit
from govchat.petitions.handle import answer
from govchat.petitions.judge import MOST_PHOTOS
from govchat.petitions.lookup import status_of
from govchat.petitions.private import unseal
from govchat.petitions.schemas import PetitionAnswer


def kept() -> Kept:
    return Kept(id=new_id(), media_type="image/jpeg", size=10, width=1, height=1, scan="none")


async def test_what_is_added_is_there_sealed_and_told_to_the_office(stage) -> None:
    citizen = await stage.citizen()
    made = await filed(stage, citizen, name=None, commune=None, at=NOON)
    holds: Holds = await do(stage, add, citizen.id, made.code, More(), at=NOON)
    assert holds.wants == ("name", "commune")
    await do(stage, add, citizen.id, made.code, More(name="Lê Thị Bưởi"), at=NOON)
    await do(stage, add, citizen.id, made.code, More(place=(11.9, 108.4)), at=NOON)
    holds = await do(stage, add, citizen.id, made.code, More(commune="phường Lang Biang", category="service"), at=NOON)
    assert (holds.wants, holds.has_place, holds.commune, holds.category) == ((), True, "phường Lang Biang", "service")
    (row,) = await stage.rows("SELECT * FROM petitions WHERE tenant_id = :tenant AND id = :id", id=made.id)
    assert row.flags == []  # it was nameless before
    private = unseal(stage.vault, made.id, row.private_sealed)
    assert (private.name, private.latitude, private.text) == ("Lê Thị Bưởi", 11.9, TEXT)
    acts = await stage.rows(
        "SELECT act FROM petition_events WHERE tenant_id = :tenant AND petition_id = :id ORDER BY number", id=made.id
    )
    assert [each.act for each in acts] == ["created", "added", "added", "added"]


async def test_only_its_citizen_adds_and_only_while_it_is_open(stage) -> None:
    citizen, other = await stage.citizen(), await stage.citizen()
    made = await filed(stage, citizen, at=NOON)
    with pytest.raises(PetitionNotFound):
        await do(stage, add, other.id, made.code, More(commune="xã A"))
    with pytest.raises(PetitionUnfit, match="category"):
        await do(stage, add, citizen.id, made.code, More(category="sale"))
    await do(stage, answer, made.code, PetitionAnswer(text="Đã vá xong.", unit="UBND"), actor="key:x")
    with pytest.raises(PetitionMoveRefused):
        await do(stage, add, citizen.id, made.code, More(commune="xã A"))
    assert not (await do(stage, status_of, citizen.id, made.code)).can_add


async def test_a_petition_takes_so_many_photos_with_those_kept_before_it(stage) -> None:
    citizen = await stage.citizen()
    async with stage.db.tenant(stage.id) as session:
        for number in range(1, MOST_PHOTOS):
            assert await hold_photo(session, stage.id, citizen.id, 7, kept()) == number
        await hold_photo(session, stage.id, citizen.id, 8, kept())  # of another draft
    made = await filed(stage, citizen, at=NOON, photos_of=draft_owner(citizen.id, 7))
    assert (await do(stage, add, citizen.id, made.code, More(photo=kept()))).photos == MOST_PHOTOS
    with pytest.raises(PetitionFull):
        await do(stage, add, citizen.id, made.code, More(photo=kept()))
    left = await stage.rows(
        "SELECT delete_after FROM stored_files WHERE tenant_id = :tenant AND owner LIKE 'petition-draft:%'"
    )
    assert [row.delete_after is not None for row in left] == [True]


@pytest.mark.parametrize(
    ("kind", "category", "commune", "named", "shown", "asked"),
    [
        ("scene", "traffic", None, False, False, ("photos", "commune")),
        ("scene", "other", "xã A", False, True, ("category",)),
        ("reflection", "service", None, False, False, ("name", "commune")),
        ("proposal", "rules", None, True, False, ()),
    ],
)
def test_only_what_is_lacking_is_asked_for(kind, category, commune, named, shown, asked) -> None:
    assert wants(kind, category, commune, named=named, shown=shown) == asked


@pytest.mark.parametrize(
    ("said", "name", "commune"),
    [
        ("Tôi là Nguyễn Văn An, ở xã Tân Phú. Cán bộ hẹn mãi", "Nguyễn Văn An", "xã Tân Phú"),
        ("Họ tên: Lê Thị Bưởi. Phường 12 rác nhiều", "Lê Thị Bưởi", "phường 12"),
        ("tôi là người dân trong xã hội này", None, None),
        ("cán bộ Xã chưa trả lời", None, None),
        ("em tên hoa ở phường trấn biên", None, None),
    ],
)
def test_names_and_communes_are_taken_where_they_are_written_as_such(said, name, commune) -> None:
    assert (within.name_in(said), within.commune_in(said)) == (name, commune)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Nguyễn Thị Ánh", "Nguyễn Thị Ánh"),
        ("dạ em tên trần văn b ạ", "Trần Văn B"),
        ("em ở phường Trấn Biên ạ", None),
        ("cán bộ Xã chưa trả lời", None),
        ("không muốn cho biết", None),
        ("0912345678", None),
        ("khai sinh cần giấy tờ gì vậy?", None),
    ],
)
def test_an_answer_is_a_name_or_none(said, name) -> None:
    assert within.name_of(said) == name


@pytest.mark.parametrize(
    ("said", "commune"),
    [
        ("em ở phường Trấn Biên ạ", "phường Trấn Biên"),
        ("Trấn Biên", "Trấn Biên"),
        ("xã tân phú", "xã tân phú"),
        ("0912345678", None),
        ("khai sinh cần giấy tờ gì vậy?", None),
        ("cho tôi hỏi là bao giờ thì sửa xong", None),
    ],
)
def test_an_answer_is_a_commune_or_none(said, commune) -> None:
    assert within.commune_of(said) == commune
