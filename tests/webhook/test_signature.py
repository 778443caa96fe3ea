"""Who may put events into an inbox: those who hold the OA secret of the app, in every form Zalo is known to sign."""

import json
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from tests.house import House
from tests.journeys.stage import headers_for, post, rows, text_event

from govchat.obs import metrics
from govchat.tenants import registry as registry_module

COUNT = "SELECT count(*) FROM inbox_events WHERE tenant_id = :tenant AND user_id = :user"


async def stored(house: House, slug: str, user: str) -> int:
    return int((await rows(house, house.registry.by_slug(slug), COUNT, user=user))[0][0])


async def test_the_signature_is_accepted_with_mac_before_it_and_without_and_in_capitals(door: House) -> None:
    tenant = door.registry.by_slug("an-giang")
    for number, shape in enumerate(("mac={}", "{}", "MAC={}", "mac= {}", " mac={} ")):
        body = text_event(tenant, f"sig-{number}", "xin chào")
        headers = headers_for(tenant, body)
        digest = headers["X-ZEvent-Signature"].removeprefix("mac=")
        for given in (digest, digest.upper()):
            headers["X-ZEvent-Signature"] = shape.format(given)
            assert await post(door, tenant, body, headers=headers) == (200, "{}")
        assert await stored(door, "an-giang", f"sig-{number}") == 1


async def test_the_time_may_be_the_bodys_or_the_headers(door: House) -> None:
    tenant = door.registry.by_slug("an-giang")
    by_header = text_event(tenant, "stamp-header", "xin chào")
    headers = headers_for(tenant, by_header, "1795000000123")
    assert (await post(door, tenant, by_header, headers=headers))[0] == 200
    by_body = text_event(tenant, "stamp-body", "xin chào")
    headers = headers_for(tenant, by_body) | {"X-ZEvent-Timestamp": "1795000000123"}
    assert (await post(door, tenant, by_body, headers=headers))[0] == 200
    del headers["X-ZEvent-Timestamp"]
    assert (await post(door, tenant, text_event(tenant, "stamp-none", "x"), headers=headers))[0] == 401
    again = text_event(tenant, "stamp-only-body", "x")
    headers = headers_for(tenant, again)
    del headers["X-ZEvent-Timestamp"]
    assert (await post(door, tenant, again, headers=headers))[0] == 200
    used = await rows(door, tenant, "SELECT user_id, signature FROM inbox_events WHERE user_id LIKE 'stamp-%'")
    assert dict(used) == {
        "stamp-header": "header/app/mac",
        "stamp-body": "body/app/mac",
        "stamp-only-body": "body/app/mac",
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda headers: {},
        lambda headers: headers | {"X-ZEvent-Signature": ""},
        lambda headers: headers | {"X-ZEvent-Signature": "mac=" + "0" * 64},
        lambda headers: headers | {"X-ZEvent-Signature": "mac="},
        lambda headers: headers | {"X-ZEvent-Signature": "mac=" + "z" * 64},
        lambda headers: headers | {"X-ZEvent-Signature": headers["X-ZEvent-Signature"][:-1]},
        lambda headers: headers | {"X-ZEvent-Signature": headers["X-ZEvent-Signature"] * 1000},
    ],
)
async def test_an_event_that_is_not_signed_by_zalo_is_refused_and_not_kept(door: House, change) -> None:  # type: ignore[no-untyped-def]
    tenant = door.registry.by_slug("an-giang")
    body = text_event(tenant, "forger", "xin chào")
    status, answer = await post(door, tenant, body, headers=change(headers_for(tenant, body)))
    assert status in (400, 401, 431)
    if status == 401:
        assert json.loads(answer)["code"] == "signature_invalid"
        assert "dev-oa-secret" not in answer
    assert await stored(door, "an-giang", "forger") == 0


async def test_a_body_changed_by_one_byte_does_not_fit_its_signature(door: House) -> None:
    tenant = door.registry.by_slug("an-giang")
    body = text_event(tenant, "changed", "mã H01")
    assert (await post(door, tenant, body.replace(b"H01", b"H02"), headers=headers_for(tenant, body)))[0] == 401


async def test_another_apps_secret_opens_no_door(door: House) -> None:
    mine, other = door.registry.by_slug("an-giang"), door.registry.by_slug("ca-mau")
    body = text_event(mine, "other-secret", "xin chào")
    assert (await post(door, mine, body, headers=headers_for(other, body)))[0] == 401


@pytest.fixture
async def observing(door: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Lạng Sơn's app only observes while the test runs."""
    monkeypatch.setattr(registry_module, "RELOAD_EVERY", 0.0)
    tenant = door.registry.by_slug("lang-son")

    async def set_to(mode: str) -> None:
        async with door.registry.db.registry() as session:
            await session.execute(
                text("UPDATE zalo_apps SET signature = :mode, updated_at = clock_timestamp() WHERE app_id = :app"),
                {"mode": mode, "app": tenant.app.app_id},
            )
        # A key nobody knows makes the door read the registry again.
        assert (await post(door, tenant, b"{}", key="nobody"))[0] == 404

    await set_to("observe")
    yield tenant.slug
    await set_to("enforce")


async def test_a_wrong_signature_is_stored_and_counted_while_observing(door: House, observing: str) -> None:
    tenant = door.registry.by_slug(observing)
    counted = metrics.WEBHOOK_SIGNATURES.labels(metrics.tenant_label(observing), "invalid")
    missing = metrics.WEBHOOK_SIGNATURES.labels(metrics.tenant_label(observing), "missing")
    before = counted._value.get(), missing._value.get()
    body = text_event(tenant, "observed", "một")
    wrong = headers_for(tenant, body) | {"X-ZEvent-Signature": "mac=" + "0" * 64}
    assert await post(door, tenant, body, headers=wrong) == (200, "{}")
    assert await post(door, tenant, text_event(tenant, "observed", "hai"), headers={}) == (200, "{}")
    assert (counted._value.get(), missing._value.get()) == (before[0] + 1, before[1] + 1)
    found = await rows(door, tenant, "SELECT signature FROM inbox_events WHERE user_id = 'observed'")
    assert [row.signature for row in found] == ["invalid", "missing"]
    # What can't be read is refused all the same.
    assert (await post(door, tenant, b"[]", headers={}))[0] == 400


async def test_probes_need_no_signature_and_leave_no_trace(door: House) -> None:
    tenant = door.registry.by_slug("an-giang")
    before = (await rows(door, tenant, "SELECT count(*) FROM inbox_events WHERE tenant_id = :tenant"))[0][0]
    for body in (b"", b"{}", b" {}\n", b"  "):
        assert await post(door, tenant, body, headers={}) == (200, "{}")
    async with door.http.get(f"{door.url}/webhooks/zalo/an-giang") as answer:
        assert answer.status == 200
    assert (await rows(door, tenant, "SELECT count(*) FROM inbox_events WHERE tenant_id = :tenant"))[0][0] == before


async def test_the_stored_body_is_sealed_and_opens_for_its_own_row_only(door: House) -> None:
    tenant = door.registry.by_slug("an-giang")
    body = text_event(tenant, "sealed", "số điện thoại 0912345678")
    assert (await post(door, tenant, body))[0] == 200
    found = (await rows(door, tenant, "SELECT id, body_sealed FROM inbox_events WHERE user_id = 'sealed'"))[0]
    assert b"0912345678" not in bytes(found.body_sealed)
    vault = await door.registry.tenant_vault(tenant.id)
    assert vault.open(found.body_sealed, f"inbox_events.body/{found.id}") == body
    assert abs(time.time() * 1000 - int(json.loads(body)["timestamp"])) < 60_000
