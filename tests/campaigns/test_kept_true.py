"""While a campaign is sent, what the province settles anew reaches those who have not been told yet."""

import io
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.campaigns.stage import Stage

from govchat.campaigns.fanout import REFRESH
from govchat.conversation.overrides import set_wording
from govchat.kit import clock

BODY = "SELECT * FROM outbox_bodies WHERE tenant_id = :tenant AND id = :id"


async def body_after(stage: Stage, slug: str, campaign: UUID, later: timedelta) -> Any:
    """The campaign's body once the fan-out has looked at it, so much later."""
    with clock.shifted(later):
        await stage.fanout().move([stage.tenant(slug).id])
    (row,) = await stage.run(slug, BODY, id=campaign)
    return row


async def test_new_words_are_said_to_whoever_comes_next_and_nothing_is_written_anew_otherwise(stage: Stage) -> None:
    slug = "bac-ninh"
    tenant = await stage.alone(slug, 2)
    campaign = await stage.released(slug, message={"text": "Mời {ten} đến dự."})
    made = await body_after(stage, slug, campaign, timedelta(0))
    at_once = await body_after(stage, slug, campaign, REFRESH / 2)
    assert at_once.refreshed_at == made.refreshed_at
    same = await body_after(stage, slug, campaign, 2 * REFRESH)
    assert same.refreshed_at > made.refreshed_at
    assert same.body_sealed == made.body_sealed
    async with stage.house.registry.db.tenant(tenant.id) as session:
        await set_wording(session, tenant.id, "outbox.instead_ten", "bà con", actor="cli:an")
    other = await body_after(stage, slug, campaign, 4 * REFRESH)
    assert other.body_sealed != made.body_sealed
    await stage.send(slug)
    assert stage.heard(slug, f"dev-{slug}-1") == stage.heard(slug, f"dev-{slug}-2") == ["Mời bà con đến dự."]


async def test_two_processes_look_at_a_body_once(stage: Stage) -> None:
    slug = "bac-ninh"
    tenant = await stage.alone(slug, 1)
    campaign = await stage.released(slug)
    await body_after(stage, slug, campaign, timedelta(0))
    await stage.run(
        slug, "UPDATE outbox_bodies SET quiet_to = '07:11' WHERE tenant_id = :tenant AND id = :id", id=campaign
    )
    first, second = stage.fanout(), stage.fanout()
    with clock.shifted(2 * REFRESH):
        await first._refresh(tenant, campaign)
        (mended,) = await stage.run(slug, BODY, id=campaign)
        await stage.run(
            slug, "UPDATE outbox_bodies SET quiet_to = '07:11' WHERE tenant_id = :tenant AND id = :id", id=campaign
        )
        await second._refresh(tenant, campaign)
    (left,) = await stage.run(slug, BODY, id=campaign)
    assert (str(mended.quiet_to), str(left.quiet_to)) == ("06:00:00", "07:11:00")
    assert left.refreshed_at == mended.refreshed_at


async def test_a_picture_that_zalo_keeps_no_longer_is_handed_over_again(stage: Stage) -> None:
    from PIL import Image

    slug = "ca-mau"
    tenant = await stage.alone(slug, 1)
    held = io.BytesIO()
    Image.new("RGB", (40, 30), "blue").save(held, "PNG")
    status, picture = await stage.call(slug, "POST", "/pictures", data=held.getvalue())
    assert status == 201, picture
    campaign = await stage.released(slug, message={"text": "Xem ảnh", "picture_id": picture["picture_id"]})
    made = await body_after(stage, slug, campaign, timedelta(0))
    same = await body_after(stage, slug, campaign, 2 * REFRESH)
    assert same.body_sealed == made.body_sealed
    await stage.run(slug, "UPDATE campaign_pictures SET expires_at = :at WHERE tenant_id = :tenant", at=clock.now())
    again = await body_after(stage, slug, campaign, 4 * REFRESH)
    assert again.body_sealed != made.body_sealed
    kept = [each for each in stage.house.zalo.world.uploads.kept.values() if each.oa_id == tenant.oa_id]
    assert len(kept) == 2
    await stage.send(slug)
    assert (await stage.counts(slug, campaign))["sent"] == 1
