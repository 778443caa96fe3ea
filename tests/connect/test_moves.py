"""Events of a province that moves from a shared app to one of its own, and what the signatures tell before they are enforced."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text
from tests.cli.conftest import run
from tests.connect.conftest import Ground
from tests.house import House
from tests.journeys.stage import post, rows, text_event

from govchat.connect import rhythm
from govchat.connect.keep import keep_token, keep_webhook
from govchat.kit import clock
from govchat.settings import Settings
from govchat.simulator.webhooks import signature
from govchat.tenants import registry as registry_module
from govchat.tenants.apply import apply
from govchat.tenants.registry import App, Tenant
from govchat.tenants.signatures import safe_to_enforce, signature_report


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "RELOAD_EVERY", 0.0)
    monkeypatch.setattr(rhythm, "SETTLED_AFTER", timedelta())


def signed(app: App, body: bytes, secret: str | None = None, first: str = "") -> dict[str, str]:
    stamp = json.loads(body)["timestamp"]
    mac = signature(first or app.app_id, body, stamp, secret or app.oa_secret or "")
    return {"X-ZEvent-Signature": f"mac={mac}", "X-ZEvent-Timestamp": stamp}


async def stored(house: House, tenant: Tenant, user: str) -> list[str]:
    query = "SELECT signature FROM inbox_events WHERE tenant_id = :tenant AND user_id = :user ORDER BY seq"
    return [row.signature for row in await rows(house, tenant, query, user=user)]


async def line_of(settings: Settings, slug: str, key: str) -> dict[str, str]:
    """One line of the checklist."""
    told = await run(settings, "tenant", "status", slug, "--offline", "--json")
    return next(line for line in told.json["lines"] if line["key"] == key)


async def refresh_api(house: House, tenant: Tenant) -> None:
    assert (await post(house, tenant, b"{}", key="nobody"))[0] == 404
    await house.registry.load()


@pytest.fixture
async def moved(ground: Ground) -> AsyncIterator[tuple[Tenant, Tenant]]:
    """Điện Biên before and after it got an app of its own; its neighbours stay on the shared one."""
    house, slug = ground.house, "dien-bien"
    before = ground.tenant(slug)
    await keep_token(ground.hands, before)
    zalo = msgspec.structs.replace(before.manifest.zalo, app=None, app_id="4443332221110009")
    manifest = msgspec.structs.replace(before.manifest, zalo=zalo)
    await apply(house.registry.db, house.registry.vault, house.settings, manifest)
    await refresh_api(house, before)
    yield before, ground.tenant(slug)
    await apply(house.registry.db, house.registry.vault, house.settings, before.manifest)
    await refresh_api(house, before)


async def test_during_a_move_events_of_both_apps_are_kept_once(ground: Ground, moved: tuple[Tenant, Tenant]) -> None:
    house, (before, after) = ground.house, moved
    assert (before.app.key, after.app.key) == ("tay-bac", "dien-bien")
    for number, app in enumerate((before.app, after.app)):
        body = text_event(after, f"mover-{number}", "xin chào", app_id=app.app_id)
        assert await post(house, after, body, key=app.key, headers=signed(app, body)) == (200, "{}")
        assert await stored(house, after, f"mover-{number}") == ["body/app/mac"]
    # The Official Account is linked to both apps: each delivers the same message in words of its own.
    for app in (before.app, after.app, before.app):
        body = text_event(after, "twice", "xin chào", msg_id="one-message", app_id=app.app_id, user_id_by_app=app.key)
        assert await post(house, after, body, key=app.key, headers=signed(app, body)) == (200, "{}")
    assert len(await stored(house, after, "twice")) == 1
    # Each app's events are signed with its own secret, and a neighbour's account gains nothing by the move.
    body = text_event(after, "crossed", "x")
    assert (await post(house, after, body, key=after.app.key, headers=signed(before.app, body)))[0] == 401
    neighbour = ground.tenant("lai-chau")
    body = text_event(neighbour, "crossed", "x")
    assert (await post(house, neighbour, body, key=after.app.key, headers=signed(after.app, body)))[0] == 403
    assert (await post(house, neighbour, body, key=before.app.key, headers=signed(before.app, body)))[0] == 200
    # Not for ever.
    await rows(
        house,
        after,
        "UPDATE tenants SET former_app_until = clock_timestamp(), updated_at = clock_timestamp() WHERE id = :tenant",
    )
    await refresh_api(house, after)
    body = text_event(after, "too-late", "x")
    assert (await post(house, after, body, key=before.app.key, headers=signed(before.app, body)))[0] == 403


async def test_until_the_new_consent_the_old_apps_token_is_renewed_with_the_old_app(
    ground: Ground, moved: tuple[Tenant, Tenant]
) -> None:
    before, after = moved
    assert (await ground.credential(after.slug)).app_id == before.app.app_id
    line = await line_of(ground.house.settings, after.slug, "consent")
    assert (line["colour"], f"ứng dụng cũ {before.app.app_id}" in line["says"]) == ("amber", True), line
    refreshed = ground.refreshes(after.slug)
    with clock.shifted(timedelta(hours=23)):
        access = await ground.fresh_credentials().access(after, not_generation=1)
        assert await ground.works(access.token, after.slug)
    row = await ground.credential(after.slug)
    assert (row.state, row.app_id) == ("ok", before.app.app_id)
    assert ground.refreshes(after.slug) == refreshed + 1


async def test_observing_counts_each_variant_and_says_when_enforcing_is_safe(ground: Ground) -> None:
    house, slug = ground.house, "lang-son"
    settings = house.settings

    async def set_mode(mode: str) -> None:
        async with house.registry.db.registry() as session:
            await session.execute(
                text("UPDATE zalo_apps SET signature = :mode, updated_at = clock_timestamp() WHERE app_id = :app"),
                {"mode": mode, "app": ground.tenant(slug).app.app_id},
            )
        await refresh_api(house, ground.tenant(slug))

    await set_mode("observe")
    tenant = ground.tenant(slug)
    app = tenant.app
    judged = await safe_to_enforce(house.registry, app)
    assert not judged.safe
    assert "Mới có 0 sự kiện" in judged.says
    own = "the-accounts-own-key"
    said = await run(settings, "secret", "set", slug, "own-oa-secret", given=own)
    assert (said.status, own in said.everything) == (0, False)
    await refresh_api(house, tenant)

    async def knock(count: int, **how: str) -> None:
        for number in range(count):
            body = text_event(tenant, f"{how.get('secret', 'app')}-{number}", "x")
            assert (await post(house, tenant, body, headers=signed(app, body, **how)))[0] == 200

    await knock(18)
    await knock(2, secret=own)
    await keep_webhook(ground.hands, tenant)
    judged = await safe_to_enforce(house.registry, app)
    assert judged.report.variants == {"body/app/mac": 18, "body/oa/mac": 2}
    assert (judged.safe, judged.enforcing, judged.todo) == (True, False, "")
    # Enforcing then takes both keys and nothing else; a stranger's, and the known wrong form, are refused.
    await set_mode("enforce")
    await knock(1)
    await knock(1, secret=own)
    for how in ({"secret": "guessed"}, {"first": tenant.oa_id}):
        body = text_event(tenant, "refused", "x")
        assert (await post(house, tenant, body, headers=signed(app, body, **how)))[0] == 401
    # While observing they are kept, counted by what they are, and enforcing is called unsafe.
    await set_mode("observe")
    await knock(2, secret="guessed")
    await knock(1, first=tenant.oa_id)
    body = text_event(tenant, "nothing", "x")
    assert (await post(house, tenant, body, headers={}))[0] == 200
    for _ in range(2):  # counted once, however often the keeper comes by
        await keep_webhook(ground.hands, tenant)
    report = await signature_report(house.registry, app)
    assert report.unsigned == {"invalid": 2, "missing": 1, "near_miss: oa_id first: body/app/mac": 1}
    assert report.signed == 22
    judged = await safe_to_enforce(house.registry, app)
    assert not judged.safe
    assert "4 sự kiện sai chữ ký" in judged.says
    line = await line_of(settings, slug, "signature")
    assert (line["colour"], "4 trên 26 sự kiện gần đây sai chữ ký" in line["says"]) == ("red", True), line
    # After a week without them it is safe again.
    with clock.shifted(timedelta(days=8)):
        assert (await signature_report(house.registry, app)).unsigned == {}
