"""Which inbox an event lands in: the key names the app, the Official Account the tenant; each event once."""

import asyncio
import json
from typing import Any

from sqlalchemy import text
from tests.house import House
from tests.journeys.stage import headers_for, post, rows, text_event

COUNT = "SELECT count(*) FROM inbox_events WHERE tenant_id = :tenant AND user_id = :user"


async def stored(house: House, slug: str, user: str) -> int:
    return int((await rows(house, house.registry.by_slug(slug), COUNT, user=user))[0][0])


async def unrouted(house: House, app_id: str) -> list[Any]:
    async with house.registry.db.registry() as session:
        found = await session.execute(text("SELECT * FROM unrouted_events WHERE app_id = :app"), {"app": app_id})
        return list(found.all())


async def test_an_unknown_key_is_404_and_names_the_command_that_helps(door: House) -> None:
    tenant = door.registry.by_slug("an-giang")
    status, answer = await post(door, tenant, text_event(tenant, "u", "x"), key="khong-co")
    assert status == 404
    problem = json.loads(answer)
    assert problem["code"] == "webhook_unknown"
    assert "govchat tenant show" in problem["detail"]
    assert (await post(door, tenant, b"{}", key="a" * 200))[0] in (400, 404, 422)


async def test_a_shared_app_routes_by_official_account(door: House) -> None:
    dien_bien, lai_chau = door.registry.by_slug("dien-bien"), door.registry.by_slug("lai-chau")
    assert dien_bien.app.key == lai_chau.app.key == "tay-bac"
    for tenant in (dien_bien, lai_chau):
        assert (await post(door, tenant, text_event(tenant, f"of-{tenant.slug}", "xin chào")))[0] == 200
    assert await stored(door, "dien-bien", "of-dien-bien") == 1
    assert await stored(door, "lai-chau", "of-lai-chau") == 1
    assert await stored(door, "dien-bien", "of-lai-chau") == 0
    # The slug of a province that shares an app is no key of its own.
    assert (await post(door, dien_bien, text_event(dien_bien, "slug", "x"), key="dien-bien"))[0] == 404


async def test_the_official_account_of_another_app_is_refused(door: House) -> None:
    mine, other = door.registry.by_slug("an-giang"), door.registry.by_slug("ca-mau")
    for oa_id in (other.oa_id, "1234567890123456789"):
        body = text_event(mine, "strayed", "xin chào", recipient={"id": oa_id})
        status, answer = await post(door, mine, body)
        assert (status, json.loads(answer)["code"]) == (403, "oa_not_of_this_app")
    assert await stored(door, "an-giang", "strayed") == await stored(door, "ca-mau", "strayed") == 0


async def test_an_event_without_official_account_is_kept_for_the_operator_on_a_shared_app(door: House) -> None:
    tenant = door.registry.by_slug("dien-bien")
    body = json.dumps({"event_name": "app_status_changed", "timestamp": "1795000000000", "note": "bí mật"}).encode()
    before = len(await unrouted(door, tenant.app.app_id))
    assert (await post(door, tenant, body))[0] == 200
    found = await unrouted(door, tenant.app.app_id)
    assert len(found) == before + 1
    row = found[-1]
    assert row.event_name == "app_status_changed"
    assert door.registry.vault.open(row.body_sealed, f"unrouted_events.body/{row.id}") == body


async def test_an_event_without_official_account_goes_to_the_only_tenant_of_an_app(door: House) -> None:
    tenant = door.registry.by_slug("an-giang")
    body = json.dumps({"event_name": "chuyen_la", "timestamp": "1795000000001"}).encode()
    assert (await post(door, tenant, body))[0] == 200
    found = await rows(door, tenant, "SELECT user_id FROM inbox_events WHERE event_name = 'chuyen_la'")
    assert [row.user_id for row in found] == [""]


async def test_events_of_unknown_name_are_stored(door: House) -> None:
    tenant = door.registry.by_slug("an-giang")
    for name in ("user_send_hologram", "", "tên lạ có dấu", "x" * 300):
        body = text_event(tenant, "novel", "x", event_name=name)
        assert (await post(door, tenant, body))[0] == 200, name
    assert await stored(door, "an-giang", "novel") == 4


async def test_the_same_event_again_is_one_row_and_200(door: House) -> None:
    tenant = door.registry.by_slug("an-giang")
    body = text_event(tenant, "again", "xin chào")
    for _ in range(3):
        assert await post(door, tenant, body) == (200, "{}")
    # Zalo's redelivery says so in a header of its own.
    assert (await post(door, tenant, body, headers=headers_for(tenant, body) | {"num_retry": "2"}))[0] == 200
    assert await stored(door, "an-giang", "again") == 1


async def test_fifty_deliveries_of_one_event_at_once_are_one_row(door: House) -> None:
    tenant = door.registry.by_slug("an-giang")
    bodies = [text_event(tenant, "at-once", f"câu {number}") for number in range(3)]
    answers = await asyncio.gather(*(post(door, tenant, body) for body in bodies for _ in range(50)))
    assert {status for status, _ in answers} == {200}
    assert await stored(door, "an-giang", "at-once") == 3


async def test_the_same_message_id_of_two_citizens_is_two_events(door: House) -> None:
    tenant = door.registry.by_slug("an-giang")
    for user in ("placeholder-1", "placeholder-2"):
        assert (await post(door, tenant, text_event(tenant, user, "test", msg_id="same")))[0] == 200
        assert await stored(door, "an-giang", user) == 1
