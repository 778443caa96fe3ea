"""`govchat campaign`: the whole way from the command line, beside a running house."""

import json
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from tests.campaigns.stage import Stage
from tests.journeys.stage import environment

from govchat.campaigns.schemas import CampaignIn, CampaignOut
from govchat.cli.campaign_told import bar, progress
from govchat.cli.campaign_unfit import unfit
from govchat.cli.main import govchat


async def ask(stage: Stage, *arguments: str, **more: Any) -> Result:
    """Run the command in a thread: it has an event loop of its own."""
    import asyncio

    env = environment(stage.house.settings)
    return await asyncio.to_thread(lambda: CliRunner().invoke(govchat, ["campaign", *arguments], env=env, **more))


async def test_a_campaign_from_the_command_line_needs_two_names(stage: Stage, tmp_path: Any) -> None:
    slug = "hai-phong"
    await stage.followers(slug, 3)
    people = tmp_path / "list.csv"
    people.write_text(f"Mã Zalo,Họ tên\ndev-{slug}-1,An\nai-do,Bình\ndev-{slug}-3,Chi\n", encoding="utf-8")
    made = await ask(
        stage, "new", slug, "Mời họp", "--text", "Kính mời {ten}.", "--list", str(people), "--as", "an", "--json"
    )
    assert made.exit_code == 0, made.output
    assert "list.csv:3" in made.stderr
    campaign = json.loads(made.stdout)["id"]
    assert "người nhận    2" in (await ask(stage, "estimate", slug, campaign)).stdout
    refused = await ask(stage, "approve", slug, campaign, "--as", "an")
    assert refused.exit_code == 1
    assert "phải do người khác duyệt" in str(refused.exception)
    assert (await ask(stage, "approve", slug, campaign, "--as", "binh")).exit_code == 0
    await stage.through(slug, campaign)
    shown = await ask(stage, "show", slug, campaign, "--follow")
    assert "100 % (2 trong 2) đã xong" in shown.stderr
    assert "đã gửi 2" in shown.stdout
    assert campaign in (await ask(stage, "list", slug)).stdout
    assert stage.heard(slug, f"dev-{slug}-3") == ["Kính mời Chi."]
    paused = await ask(stage, "pause", slug, campaign)
    assert "trạng thái done: chỉ tạm dừng được khi là" in str(paused.exception)


async def test_when_it_begins_is_told_by_the_clock_on_the_wall(stage: Stage) -> None:
    slug, begins = "hai-phong", "2036-12-24 08:30"
    made = await ask(stage, "new", slug, "Mời họp", "--text", "Kính mời.", "--at", begins, "--as", "an", "--json")
    drafted = json.loads(made.stdout)
    approved = await ask(stage, "approve", slug, drafted["id"], "--as", "binh")
    assert "đã hẹn giờ (scheduled)" in approved.stdout
    assert f"bắt đầu lúc {begins}:00+07" in approved.stdout
    gone = await ask(stage, "cancel", slug, drafted["id"])
    assert gone.exit_code == 0, gone.output


async def test_a_campaign_that_reached_nobody_says_so(stage: Stage) -> None:
    slug, nobody = "hai-phong", '{"segment": {"tags": ["không ai mang"]}}'
    made = await ask(stage, "new", slug, "Không ai", "--text", "Tin", "--audience", nobody, "--as", "an", "--json")
    campaign = json.loads(made.stdout)["id"]
    before = (await ask(stage, "estimate", slug, campaign)).stdout
    assert "người nhận    0" in before
    assert "lưu ý: không có ai trong đối tượng nhận" in before
    assert (await ask(stage, "approve", slug, campaign, "--as", "binh")).exit_code == 0
    await stage.through(slug, campaign)
    assert "lưu ý: không có ai trong đối tượng nhận" in (await ask(stage, "show", slug, campaign)).stdout


@pytest.mark.parametrize(
    ("audience", "says"),
    [
        ('{"a": 1}', "a: 1: không có trường này; có all_followers, user_ids, segment"),
        ('{"segment": {"communes": "Xã A"}}', 'segment.communes: "Xã A": cần một danh sách'),
        ('{"segment": {"dossier_states": [99]}}', "segment.dossier_states[0]: 99: cần tối đa là 10"),
        ('{"segment": {"tags": []}}', "segment.tags: []: cần ít nhất 1 phần tử"),
        ("{}", "{}: cần đúng một trong all_followers, user_ids, segment"),
        ("[]", 'cần một đối tượng JSON, như {"all_followers": true}'),
        ("xã A", "không phải JSON"),
    ],
)
async def test_an_audience_that_can_not_be_is_refused_by_option_field_and_value(
    stage: Stage, audience: str, says: str
) -> None:
    refused = await ask(stage, "new", "hai-phong", "x", "--text", "Tin", "--audience", audience, "--as", "an")
    assert refused.exit_code == 2
    assert "--audience" in refused.stderr
    assert says in refused.stderr


def test_other_options_are_named_with_what_they_were_given() -> None:
    article = {"title": "a", "author": "b", "description": "c", "cover_url": "d", "body": [{"txt": 1}]}
    draft = {"name": "x", "class": "announcement", "audience": {"all_followers": True}, "max_cost": 0}
    for changed, option, says in (
        ({"message": {"text": ""}}, "--text", '"": cần ít nhất 1 ký tự'),
        ({"message": {"text": "x", "article": article}}, "--article", "body[0].txt: 1: không có trường này; có text,"),
        ({"message": {"text": "x", "article": {"title": "a"}}}, "--article", "author: còn thiếu"),
        ({"message": {"text": "x", "buttons": [{"title": ""}]}}, "--button", '[0].title: "": cần ít nhất 1 ký tự'),
        ({"message": {"text": "x"}, "max_cost": 3 * 10**9}, "--max-cost", "3000000000: cần tối đa là 2000000000"),
        ({"message": {"text": "x"}, "name": ""}, "NAME", '"": cần ít nhất 1 ký tự'),
    ):
        with pytest.raises(msgspec.ValidationError) as refusal:
            msgspec.convert(draft | changed, CampaignIn, strict=False)
        told = unfit(str(refusal.value), draft | changed)
        assert (told.param_hint, says in told.message) == (option, True), told.message


async def test_settings_are_shown_and_changed(stage: Stage) -> None:
    slug = "ha-tinh"
    assert "most_unsent   1000000" in (await ask(stage, "settings", slug)).stdout
    changed = await ask(stage, "settings", slug, "--most-unsent", "500", "--emergency-by", "cli:binh", "--json")
    assert json.loads(changed.stdout) == {"most_unsent": 500, "emergency_by": ["cli:binh"]}


def test_the_bar_says_how_far_it_is() -> None:
    assert bar(0, 0).endswith("  0 % (0 trong 0)")
    assert bar(5, 10, width=4) == "[##--]  50 % (5 trong 10)"


@pytest.mark.parametrize(
    ("queued", "rate", "says"),
    [
        (1000, 2.0, "120 tin/phút, còn 8 phút"),
        (10, 2.0, "120 tin/phút, còn chưa đến một phút"),
        (10, 0.0, "0 tin/phút, lưu ý: "),
    ],
)
def test_the_progress_says_how_much_is_left(queued: int, rate: float, says: str) -> None:
    made = {
        "id": "0190c0de-0000-7000-8000-000000000000", "name": "x", "class": "announcement", "state": "running",
        "counts": {"total": 2000, "queued": queued, "sent": 2000 - queued}, "message": {"text": "x"}, "audience": {},
        "max_cost": 0, "spent": 0, "test": False, "created_by": "cli:an", "created_at": "2026-11-23T08:00:00+07:00",
        "planning": False, "trouble": "" if rate else "đang trong giờ nghỉ",
        **dict.fromkeys(("send_at", "approved_by", "approved_at", "started_at", "finished_at", "way")),
    }  # fmt: skip
    assert says in progress(msgspec.convert(made, CampaignOut), rate=rate)


async def test_a_template_is_drafted_from_the_command_line(stage: Stage) -> None:
    slug = "hai-phong"
    await stage.run(
        slug,
        "INSERT INTO zbs_templates (tenant_id, template_id, name, status, quality, tag, params, price_uid, synced_at) VALUES "
        """(:tenant, '310002', 'Tin', 'ENABLE', 'HIGH', 'TRANSACTION', '[{"name": "ho_ten"}, {"name": "ma"}]', 0, now()) """
        "ON CONFLICT DO NOTHING",
    )
    draft = ("new", slug, "Mẫu", "--text", "Tin", "--template", "310002")
    made = await ask(stage, *draft, "--value", "ho_ten={ten}", "--value", "ma=1=2", "--as", "an", "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["message"]["template"] == {
        "template_id": "310002",
        "data": {"ho_ten": "{ten}", "ma": "1=2"},
    }
    assert "cần TÊN=GIÁ TRỊ" in (await ask(stage, *draft, "--value", "ho_ten")).stderr
    assert "cần có --template" in (await ask(stage, "new", slug, "Mẫu", "--text", "x", "--value", "a=b")).stderr
