"""Tokens that are renewed before anybody waits for them, and alarms that say who must do what."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from tests.cli.conftest import run
from tests.connect.conftest import Ground

from govchat.connect import rhythm
from govchat.connect.keep import DUE, keep, keep_token, keep_webhook
from govchat.kit import clock
from govchat.simulator.faults import Fault
from govchat.tenants.credentials import CredentialBusy, CredentialRevoked

OPEN = "SELECT kind, says, todo FROM incidents WHERE tenant_id = :tenant AND healed_at IS NULL AND kind = 'credential'"


async def trouble(ground: Ground, slug: str) -> tuple[str, str] | None:
    found = await ground.ask(slug, OPEN)
    assert len(found) <= 1
    return (found[0].says, found[0].todo) if found else None


async def test_a_token_is_renewed_hours_before_its_end_and_not_earlier(ground: Ground) -> None:
    slug = "an-giang"
    assert await keep_token(ground.hands, ground.tenant(slug))
    assert ground.refreshes(slug) == 1
    for hours in (0, 10, 18):
        with clock.shifted(timedelta(hours=hours)):
            assert not await keep_token(ground.hands, ground.tenant(slug))
    with clock.shifted(timedelta(hours=20, minutes=5)):
        assert await keep_token(ground.hands, ground.tenant(slug))
        access = await ground.fresh_credentials().access(ground.tenant(slug))
        assert access.expires_at > clock.now() + timedelta(hours=24)
        assert await ground.works(access.token, slug)
    assert ground.refreshes(slug) == 2


async def test_a_province_that_nobody_talks_with_keeps_its_refresh_token_alive_weekly(ground: Ground) -> None:
    slug = "bac-ninh"
    await keep_token(ground.hands, ground.tenant(slug))
    await ground.ask(slug, "UPDATE tenants SET state = 'suspended', updated_at = clock_timestamp() WHERE id = :tenant")
    await ground.hands.registry.load()
    for day in range(1, 36):
        with clock.shifted(timedelta(days=day)):
            await keep_token(ground.hands, ground.tenant(slug))
    assert ground.refreshes(slug) == 1 + 5
    with clock.shifted(timedelta(days=35)):
        assert (await run(ground.house.settings, "tenant", "show", slug, "--json")).json["credential_state"] == "ok"


async def test_keepers_of_several_machines_renew_a_token_once(ground: Ground) -> None:
    slug = "ca-mau"
    await keep_token(ground.hands, ground.tenant(slug))
    ground.world.faults.add(Fault(kind="latency", call="token", ms=150))
    others = [msgspec.structs.replace(ground.hands, credentials=ground.fresh_credentials()) for _ in range(4)]
    with clock.shifted(timedelta(hours=23)):
        await asyncio.gather(*(keep_token(hands, ground.tenant(slug)) for hands in others))
    ground.world.faults.clear()
    assert ground.refreshes(slug) == 2
    assert (await ground.credential(slug)).state == "ok"


async def test_a_refresh_whose_reply_was_lost_says_that_a_consent_is_needed(ground: Ground) -> None:
    slug = "dak-lak"
    ground.world.faults.add(Fault(kind="reply_lost", call="token", count=1))
    await keep_token(ground.hands, ground.tenant(slug))
    assert (await ground.credential(slug)).state == "needs_reconsent"
    found = await trouble(ground, slug)
    assert found is not None
    assert "câu trả lời bị mất" in found[0]
    assert f"govchat tenant connect {slug}" in found[1]
    said = await run(ground.house.settings, "tenant", "show", slug, "--json")
    assert said.json["credential_state"] == "needs_reconsent"
    # However often the keeper comes by, it asks Zalo no more and the incident stays one.
    for _ in range(3):
        await keep_token(ground.hands, ground.tenant(slug))
    assert await trouble(ground, slug) == found
    assert ground.world.stats.refused[-14020] == 1


async def test_a_token_that_was_used_elsewhere_says_so_and_a_new_one_heals_it(ground: Ground) -> None:
    slug = "dong-nai"
    tenant = ground.tenant(slug)
    elsewhere = await ground.hands.zalo.refresh(
        app_id=tenant.app.app_id, app_secret=tenant.app.app_secret or "", refresh_token=f"dev-refresh:{tenant.oa_id}"
    )
    await keep_token(ground.hands, tenant)
    found = await trouble(ground, slug)
    assert found is not None
    assert "được dùng ở nơi khác" in found[0]
    assert "tắt hệ thống khác" in found[1]
    with pytest.raises(CredentialRevoked, match="govchat tenant connect dong-nai"):
        await ground.fresh_credentials().access(tenant)
    said = await run(
        ground.house.settings,
        "secret",
        "set",
        slug,
        "refresh-token",
        "--from-env",
        "TOKEN",
        TOKEN=elsewhere.refresh_token,
    )
    assert said.status == 0, said.everything
    assert elsewhere.refresh_token not in said.everything
    assert await trouble(ground, slug) is None
    access = await ground.fresh_credentials().access(tenant)
    assert await ground.works(access.token, slug)


async def test_a_wrong_app_secret_needs_no_consent_only_the_right_secret(ground: Ground) -> None:
    slug = "dong-thap"
    settings = ground.house.settings
    assert (await run(settings, "secret", "set", slug, "app-secret", given="wrong-one")).status == 0
    await ground.hands.registry.load()
    await keep_token(ground.hands, ground.tenant(slug))
    assert (await ground.credential(slug)).state == "ok"
    found = await trouble(ground, slug)
    assert found is not None
    assert "khóa bí mật của ứng dụng" in found[0]
    right = f"dev-app-secret:{ground.tenant(slug).app.app_id}"
    assert (await run(settings, "secret", "set", slug, "app-secret", given=right)).status == 0
    await ground.hands.registry.load()
    await keep_token(ground.hands, ground.tenant(slug))
    assert await trouble(ground, slug) is None
    assert await ground.works((await ground.fresh_credentials().access(ground.tenant(slug))).token, slug)


async def test_zalo_that_does_not_answer_is_an_alarm_only_when_the_token_is_about_to_end(ground: Ground) -> None:
    slug = "gia-lai"
    await keep_token(ground.hands, ground.tenant(slug))
    rule = ground.world.faults.add(Fault(kind="http", status=503, call="token"))
    with clock.shifted(timedelta(hours=21)):
        await keep_token(ground.hands, ground.tenant(slug))
    assert await trouble(ground, slug) is None
    with clock.shifted(timedelta(hours=24, minutes=30)), pytest.raises(CredentialBusy):
        await ground.fresh_credentials().access(ground.tenant(slug), not_generation=1)
    with clock.shifted(timedelta(hours=24, minutes=31)):
        await keep_token(ground.hands, ground.tenant(slug))
        assert "chưa làm mới được" in (await trouble(ground, slug) or ("", ""))[0]
        ground.world.faults.remove(rule.id)
    with clock.shifted(timedelta(hours=24, minutes=40)):
        await keep_token(ground.hands, ground.tenant(slug))
        assert await trouble(ground, slug) is None


async def test_one_round_serves_every_province_and_stops_at_none(ground: Ground) -> None:
    broken = ground.tenant("quang-tri")
    ground.world.tokens.revoke(broken.oa_id)
    await keep(ground.hands)
    states = {
        tenant.slug: (await ground.credential(tenant.slug)) for tenant in ground.hands.registry.now.tenants.values()
    }
    assert states["quang-tri"].state == "needs_reconsent"
    assert all(states[slug].access_token_sealed for slug in ("ha-noi", "hue", "lai-chau"))
    assert "bị thu hồi" in (await trouble(ground, "quang-tri") or ("", ""))[0]


async def test_the_first_event_is_counted_at_once_and_later_ones_every_quarter_of_an_hour(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever connects an account sees how it was signed; a thousand of them that talk are not counted every three minutes."""
    monkeypatch.setattr(rhythm, "SETTLED_AFTER", timedelta())
    slug = "dien-bien"
    tenant_id = ground.tenant(slug).id

    async def due(minutes: int) -> bool:
        at = clock.now() + timedelta(minutes=minutes)
        rows = await ground.hands.registry.db.rows(DUE, [tenant_id], at, at - timedelta(days=7), at)
        return any(row["webhook"] for row in rows)

    await keep_webhook(ground.hands, ground.tenant(slug))
    await ground.ask(
        slug, "UPDATE webhook_watches SET next_look_at = clock_timestamp() + interval '1 day' WHERE tenant_id = :tenant"
    )
    assert not await due(1)
    await ground.house.zalo.say(slug, "first", "xin chào")
    assert await due(0)
    await keep_webhook(ground.hands, ground.tenant(slug))
    await ground.house.zalo.say(slug, "second", "xin chào")
    assert not await due(1)
    assert await due(16)
    await keep_webhook(ground.hands, ground.tenant(slug))
    counted = await ground.ask(slug, "SELECT sum(events) AS n FROM webhook_hours WHERE tenant_id = :tenant")
    assert counted[0].n == 2
