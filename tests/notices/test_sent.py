"""A notice through the real sender to Zalo and back: refused in the chat, said by template, explained over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
from tests.house import House, open_house
from tests.journeys.stage import eventually
from tests.notices.stage import Stage
from tests.sender.stage import hurry

from govchat.kit import clock
from govchat.notices import arrange, templates
from govchat.notices.kinds import URGENT
from govchat.settings import Settings
from govchat.tenants.credentials import Credentials
from govchat.zalo.client import ZaloClient


@pytest.fixture
async def house(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    hurry(monkeypatch)
    async with open_house(own_settings) as opened:
        yield opened


async def test_a_notice_that_zalo_refuses_in_the_chat_arrives_as_a_template(house: House) -> None:
    stage = await Stage.open(house.registry, "dong-nai")
    settings = house.settings
    async with ZaloClient.open(
        openapi_url=settings.zalo_openapi_url,
        oauth_url=settings.zalo_oauth_url,
        business_url=settings.zalo_business_url,
    ) as zalo:
        credentials = Credentials(house.registry, zalo.http, settings.zalo_oauth_url)
        synced = await templates.sync(house.registry, credentials, zalo, stage.tenant)
    assert (synced.known, synced.new, synced.gone, synced.daily_quota) == (7, 7, 0, 10_000)
    async with stage.db.tenant(stage.id) as session:
        assert await templates.map_template(session, stage.id, None, "310002", {}, actor="cli:test") == {
            "ho_ten": "applicant", "ma_ho_so": "code", "trang_thai": "status",
        }  # fmt: skip
        with pytest.raises(templates.TemplateMisfit, match="quảng cáo"):
            await templates.map_template(session, stage.id, None, "310006", {}, actor="cli:test")
        await arrange.settle(session, stage.id, monthly_budget=10_000, actor="cli:test")

    # The house believes that they spoke just now; Zalo knows better.
    change = msgspec.structs.replace(await stage.dossier(), flags=frozenset({URGENT}))
    citizen = await stage.follower(change, now=clock.now())
    person = house.zalo.world.person(stage.tenant.oa_id, citizen.zalo_user_id)
    person.follows, person.last_interaction = True, (clock.now() - timedelta(days=9)).timestamp()
    assert await stage.plan(change, now=clock.now()) == [1]
    said = await eventually(
        lambda: _said(house, stage, citizen.zalo_user_id), until=bool, what="the template on the phone"
    )
    assert change.code in said[0].text

    (notice,) = await stage.notices(change)
    story = await eventually(
        lambda: _story(house, notice.id),
        until=lambda told: told["messages"][-1]["state"] == "sent",
        what="the record",
    )
    assert [(one["channel"], one["state"]) for one in story["messages"]] == [("cs", "failed"), ("uid", "sent")]
    assert story["messages"][0]["attempts"][0]["zalo_code"] == -230
    assert story["decision"]["channel"] == "uid"
    assert (story["messages"][1]["cost"], story["messages"][1]["money"]) == (560, "reserved")

    # A reviewer's change reaches us as an event and closes the template at Zalo.
    review = {"status": "DISABLE", "reason": "thử"}
    async with house.http.post(f"{house.zalo.url}/_control/templates/dong-nai/310002", json=review) as answer:
        assert [(one["event_name"], one["status"]) for one in await answer.json()] == [("change_template_status", 200)]
    assert house.zalo.world.template(stage.tenant.oa_id, "310002").status == 4


async def _said(house: House, stage: Stage, user: str) -> list[object]:
    return [one for one in house.zalo.world.messages(stage.tenant.oa_id, user) if one.kind == "template"]


async def _story(house: House, notice_id: object) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {await house.key('dong-nai', 'messages:read')}"}
    async with house.http.get(f"{house.url}/v1/messages/{notice_id}", headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        told: dict[str, object] = await answer.json()
        return told
