"""Labels of citizens: looked at, set for one, taken from all; and the role that releases emergencies."""

import json

from tests.campaigns.stage import Stage
from tests.campaigns.test_cli import ask

from govchat.inbox.receipts import work_off
from govchat.kit import clock

SLUG = "lao-cai"


async def test_labels_are_set_for_one_listed_for_all_and_dropped(stage: Stage) -> None:
    await stage.alone(SLUG, 3)
    one, two = (f"/labels/dev-{SLUG}-{number}" for number in (1, 2))
    wanted = {"commune": "Xã Bát Xát", "tags": ["Trưởng thôn", "Hộ nghèo"]}
    for _ in range(2):
        status, told = await stage.call(SLUG, "PUT", one, body=wanted)
        assert (status, told["commune"], sorted(told["tags"])) == (200, "Xã Bát Xát", sorted(wanted["tags"]))
    assert (await stage.call(SLUG, "PUT", two, body={"tags": ["hộ nghèo"]}))[0] == 200
    status, told = await stage.call(SLUG, "GET", "/labels")
    found = {(each["kind"], each["label"].casefold()): each["citizens"] for each in told["items"]}
    assert found == {("commune", "xã bát xát"): 1, ("tag", "hộ nghèo"): 2, ("tag", "trưởng thôn"): 1}
    status, told = await stage.call(SLUG, "DELETE", "/labels?kind=tag&name=ho%20ngheo")
    assert (status, told) == (200, {"citizens": 2})
    assert (await stage.call(SLUG, "GET", two))[1] == {"commune": None, "tags": []}
    assert (await stage.call(SLUG, "PUT", one, body={"tags": []}))[1] == {"commune": None, "tags": []}
    status, told = await stage.call(SLUG, "GET", "/labels/nobody")
    assert (status, told["code"]) == (404, "campaign_citizen_unknown")
    noted = await stage.run(
        SLUG, "SELECT count(*) AS n FROM audit_entries WHERE tenant_id = :tenant AND act = 'citizen.labelled'"
    )
    assert noted[0].n == 3, "the same again is no event"


async def test_a_test_key_labels_nobody(stage: Stage) -> None:
    await stage.alone(SLUG, 1)
    path = f"/labels/dev-{SLUG}-1"
    status, told = await stage.call(SLUG, "PUT", path, body={"tags": ["x"]}, key=await stage.test_key(SLUG))
    assert (status, told["tags"]) == (200, ["x"])
    assert (await stage.call(SLUG, "GET", path))[1]["tags"] == []


async def test_tags_from_the_command_line(stage: Stage) -> None:
    await stage.alone(SLUG, 1)
    user = f"dev-{SLUG}-1"
    changed = await ask(stage, "tag", SLUG, user, "--add", "Tổ trưởng", "--add", "x", "--commune", "Xã A", "--json")
    assert json.loads(changed.stdout) == {"commune": "Xã A", "tags": ["Tổ trưởng", "x"]}
    changed = await ask(stage, "tag", SLUG, user, "--remove", "to truong", "--commune", "")
    assert "nhãn  x" in changed.stdout
    assert "1  x" in " ".join((await ask(stage, "labels", SLUG)).stdout.split()).replace("1 x", "1  x")
    assert "đã gỡ khỏi 1 người" in (await ask(stage, "untag", SLUG, "X")).stdout


async def test_emergencies_can_be_given_to_a_role(stage: Stage) -> None:
    await stage.alone(SLUG, 1)
    wrong = await ask(stage, "settings", SLUG, "--emergency-by", "binh")
    assert (wrong.exit_code, "scope:campaigns:emergency" in wrong.output) == (2, True)
    named = await ask(stage, "settings", SLUG, "--emergency-by", "scope:campaigns:emergency")
    assert named.exit_code == 0, named.output
    made = await stage.draft(SLUG, kind="emergency")
    plain = await stage.house.key(SLUG, "campaigns:approve")
    status, told = await stage.call(SLUG, "POST", f"/{made['id']}/approve", key=plain)
    assert (status, told["code"]) == (403, "campaign_emergency_reserved")
    chief = await stage.house.key(SLUG, "campaigns:approve", "campaigns:emergency")
    assert (await stage.call(SLUG, "POST", f"/{made['id']}/approve", key=chief))[0] == 200


async def test_a_scheduled_campaign_is_started_early_through_the_api(stage: Stage) -> None:
    await stage.alone(SLUG, 1)
    campaign = await stage.released(SLUG, send_at="2099-01-01T08:00:00+07:00")
    status, told = await stage.call(SLUG, "POST", f"/{campaign}/start")
    assert (status, told["state"]) == (200, "approved")


async def test_tags_of_oa_manager_are_tags_here(stage: Stage) -> None:
    tenant = await stage.alone(SLUG, 2)
    users = [f"dev-{SLUG}-{number}" for number in (1, 2)]

    async def happens(name: str, **tag: object) -> list[list[str]]:
        event = {
            "event_name": name, "oa_id": tenant.oa_id, "app_id": tenant.app.app_id, "tag": {"name": "Hội trưởng", **tag},
            "timestamp": str(int(clock.now().timestamp() * 1000)),
        }  # fmt: skip
        config = stage.house.zalo.world.oa_by_id[tenant.oa_id]
        await stage.house.zalo.courier.post(config, "", event)
        await work_off(stage.house.registry, [tenant])
        return [(await stage.call(SLUG, "GET", f"/labels/{user}"))[1]["tags"] for user in users]

    assert await happens("add_user_to_tag", user_ids=[*users, "nobody"]) == [["Hội trưởng"], ["Hội trưởng"]]
    assert await happens("remove_user_from_tag", user_ids=users[:1]) == [[], ["Hội trưởng"]]
    assert await happens("remove_tag") == [[], []]
