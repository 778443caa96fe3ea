"""A petition's answer on its way: from the office's call to the citizen's phone."""

from tests.house import House
from tests.notices.stage import Stage
from tests.petitions.filing import filed

from govchat.citizens import know


async def test_the_offices_answer_reaches_the_citizens_phone(house: House) -> None:
    await house.zalo.say("lam-dong", "hien", "xin chào")
    await house.zalo.answers("lam-dong", "hien", 1)
    stage = await Stage.open(house.registry, "lam-dong")
    async with stage.db.tenant(stage.id) as session:
        citizen = await know.know(session, stage.id, "hien", by_app=None, interacted_at=None)
    made = await filed(stage, citizen)
    # Quiet hours would hold it until the morning, whenever the tests run.
    await stage.run(
        'UPDATE tenants SET manifest = jsonb_set(manifest, \'{quiet_hours}\', \'{"from": "00:00", "to": "00:00"}\') WHERE id = :tenant'
    )
    headers = {"Authorization": f"Bearer {await house.key('lam-dong')}"}
    body = {"text": "Đã vá xong mặt đường.", "unit": "UBND phường Xuân Hương"}
    async with house.http.post(f"{house.url}/v1/petitions/{made.code}/answer", json=body, headers=headers) as answer:
        assert (await answer.json())["delivery"]["state"] == "planned"
    assert house.worker is not None
    await house.worker.sweep()  # what it does every few seconds
    said = await house.zalo.answers("lam-dong", "hien", 2)
    assert made.code in said[-1].text
    assert "Đã vá xong mặt đường." in said[-1].text
