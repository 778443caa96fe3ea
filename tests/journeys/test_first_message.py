"""The house's main job: a citizen writes, the province answers."""

from tests.house import House

OA = "dong-nai"


async def test_a_bare_code_is_answered_with_status_unit_and_dates_only(house: House) -> None:
    await house.put_dossier(OA, "H19.12-261103-0099")
    oa_id = house.registry.by_slug(OA).oa_id
    await house.zalo.follow(oa_id, "u1")
    await house.zalo.answers(oa_id, "u1")
    await house.zalo.say(oa_id, "u1", "tra cuu ho so H19.12-261103-0099")
    answers = await house.zalo.answers(oa_id, "u1")
    text = answers[-1].text
    assert "H19.12-261103-0099" in text
    assert "Đang xử lý" in text
    assert "Sở Xây dựng" in text
    assert "01/12/2026" in text
    for hidden in ("Hiền", "Trần Văn An", "0912345678", "Đang thẩm định tại hiện trường"):
        assert hidden not in text
