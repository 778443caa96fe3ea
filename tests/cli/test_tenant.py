"""`govchat tenant`: mistakes are told with file and line, applying is idempotent, nothing shown is secret."""

import re
import shutil

import pytest
from tests.cli.conftest import run
from tests.conftest import TENANTS

from govchat.db.session import Database
from govchat.kit import clock
from govchat.kit.ids import tenant_id_for
from govchat.settings import Settings
from govchat.tenants.models import OaCredentialRow

NOWHERE = Settings(master_keys=("for-tests",), tenants_dir=TENANTS)


@pytest.fixture
def manifests(tmp_path):
    """A copy of the shipped manifests, to break."""
    return shutil.copytree(TENANTS, tmp_path / "tenants")


def change(folder, slug, pattern, replacement):
    file = folder / slug / "tenant.toml"
    text, count = re.subn(pattern, replacement, file.read_text(), count=1, flags=re.M)
    assert count == 1
    file.write_text(text)
    return text[: text.index(replacement)].count("\n") + 1


async def test_the_shipped_manifests_are_found_sound_without_a_running_stack():
    said = await run(NOWHERE, "tenant", "check")
    assert (said.status, said.out) == (0, "34 đơn vị, không có lỗi\n")
    told = (await run(NOWHERE, "tenant", "check", "--json")).json
    assert told["ok"] is True
    assert len(told["sound"]) == 34
    assert told["findings"] == []


async def test_every_mistake_is_told_with_file_and_line(manifests):
    first = change(manifests, "dong-nai", r"^oa_id = .*$", 'oa_id = "12ab"')
    second = change(manifests, "hue", r"^slug = .*$", 'slug = "Huế"')
    said = await run(NOWHERE, "tenant", "check", "--tenants", str(manifests))
    assert said.status == 1
    assert f'{manifests}/dong-nai/tenant.toml:{first} zalo.oa_id "12ab": ' in said.out
    assert f"{manifests}/hue/tenant.toml:{second} slug" in said.out


async def test_check_of_one_tenant_tells_its_mistakes_alone(manifests):
    line = change(manifests, "dong-nai", r"^oa_id = .*$", 'oa_id = "12ab"')
    (found,) = (await run(NOWHERE, "tenant", "check", "dong-nai", "--tenants", str(manifests), "--json")).json[
        "findings"
    ]
    assert (found["line"], found["key"], found["value"]) == (line, "zalo.oa_id", "12ab")
    assert (await run(NOWHERE, "tenant", "check", "hue", "--tenants", str(manifests))).status == 0


async def test_one_tenant_is_checked_against_the_others(manifests):
    oa_id = re.search(r'^oa_id = "(\d+)"', (manifests / "hue" / "tenant.toml").read_text(), re.M)[1]
    change(manifests, "dong-nai", r"^oa_id = .*$", f'oa_id = "{oa_id}"')
    said = await run(NOWHERE, "tenant", "check", "hue", "--tenants", str(manifests))
    assert said.status == 1
    assert "dong-nai/tenant.toml" in said.out


async def test_a_tenant_without_a_folder_is_named():
    said = await run(NOWHERE, "tenant", "check", "nowhere")
    assert said.status == 1
    assert '"nowhere" chưa có thư mục' in said.refusal


async def test_a_folder_that_is_not_there_is_a_finding(tmp_path):
    said = await run(NOWHERE, "tenant", "check", "--tenants", str(tmp_path / "none"))
    assert said.status == 1
    assert said.out.startswith(f"{tmp_path}/none:1: ")


async def test_applying_again_changes_nothing_and_says_so(cli):
    said = await cli("tenant", "apply")
    assert said.status == 0
    assert said.out.splitlines()[-1] == "0 tạo mới, 0 cập nhật, 34 không đổi"
    assert re.search(r"^dong-nai +không đổi$", said.out, re.M)


async def test_a_changed_manifest_updates_its_tenant_alone(cli, manifests):
    change(manifests, "dong-nai", r"^requests_per_minute = .*$", "requests_per_minute = 100")
    told = (await cli("tenant", "apply", "--tenants", str(manifests), "--json")).json
    assert [each["slug"] for each in told if each["outcome"] == "updated"] == ["dong-nai"]
    assert (await cli("tenant", "show", "dong-nai", "--json")).json["requests_per_minute"] == 100


async def test_a_new_manifest_makes_a_tenant(cli, manifests):
    (manifests / "hue").rename(manifests / "hue-moi")
    change(manifests, "hue-moi", r"^slug = .*$", 'slug = "hue-moi"')
    change(manifests, "hue-moi", r"^oa_id = .*$", 'oa_id = "1234567890123456789"')
    change(manifests, "hue-moi", r"^app_id = .*$", 'app_id = "9876543210987654321"')
    said = await cli("tenant", "apply", "hue-moi", "--tenants", str(manifests))
    assert said.status == 0, said.everything
    told = said.out.splitlines()
    assert told[0].startswith(
        "hue-moi: mới, Thành phố Huế; zalo: app_id 9876543210987654321, oa_id 1234567890123456789"
    )
    assert told[1:] == ["hue-moi  tạo mới", "1 tạo mới, 0 cập nhật, 0 không đổi"]
    told = (await cli("tenant", "show", "hue-moi", "--json")).json
    assert (told["state"], told["credential_state"], told["missing"]) == ("live", "ok", [])


async def test_a_production_tenant_starts_as_a_draft_and_says_what_it_misses(cli, manifests):
    (manifests / "hue").rename(manifests / "hue-moi")
    change(manifests, "hue-moi", r"^slug = .*$", 'slug = "hue-moi"')
    change(manifests, "hue-moi", r"^oa_id = .*$", 'oa_id = "1234567890123456789"')
    change(manifests, "hue-moi", r"^app_id = .*$", 'app_id = "9876543210987654321"')
    said = await cli("tenant", "apply", "hue-moi", "--tenants", str(manifests), GOVCHAT_ENV="production")
    assert said.status == 0, said.everything
    told = (await cli("tenant", "show", "hue-moi", "--json")).json
    assert (told["state"], told["credential_state"]) == ("draft", "missing")
    assert told["missing"] == ["app-secret", "oa-secret", "refresh-token"]


async def test_an_official_account_held_by_another_tenant_is_refused_in_one_sentence(cli, manifests):
    (manifests / "hue").rename(manifests / "hue-moi")
    change(manifests, "hue-moi", r"^slug = .*$", 'slug = "hue-moi"')
    said = await cli("tenant", "apply", "hue-moi", "--tenants", str(manifests))
    assert said.status == 1
    assert '"hue-moi"' in said.refusal
    assert "đang thuộc" in said.refusal


async def test_nothing_is_applied_while_any_manifest_has_a_mistake(cli, manifests):
    change(manifests, "an-giang", r"^requests_per_minute = .*$", "requests_per_minute = 100")
    line = change(manifests, "dong-nai", r"^oa_id = .*$", 'oa_id = "12ab"')
    for words in ((), ("an-giang",)):
        said = await cli("tenant", "apply", *words, "--tenants", str(manifests))
        assert said.status == 1
        assert f"{manifests}/dong-nai/tenant.toml:{line} zalo.oa_id" in said.err
        assert "chưa áp dụng gì" in said.refusal
    assert (await cli("tenant", "show", "an-giang", "--json")).json["requests_per_minute"] == 2000


async def test_list_is_an_array_of_what_show_prints(cli):
    listed = (await cli("tenant", "list", "--json")).json
    assert len(listed) == 34
    shown = (await cli("tenant", "show", "dong-nai", "--json")).json
    assert shown in listed
    assert {
        "slug": "dong-nai",
        "webhook_path": "/webhooks/zalo/dong-nai",
        "state": "live",
        "credential_state": "ok",
        "full_name": "Thành phố Đồng Nai",
        "signature": "enforce",
    }.items() <= shown.items()
    assert shown["oa_id"].isdecimal()
    assert shown["app_id"].isdecimal()
    assert set(shown["h_codes"]) == {"H19", "H10"}


async def test_nothing_that_is_shown_is_secret(cli):
    for words in (("list",), ("list", "--json"), ("show", "dong-nai"), ("show", "dong-nai", "--json"), ("apply",)):
        said = await cli("tenant", *words)
        assert said.status == 0
        assert "dong-nai" in said.out
        assert not re.search(r"dev-(app|oa)-secret|dev-refresh|for-tests", said.everything)


async def test_a_credential_that_needs_a_new_consent_is_shown(cli, own_settings):
    db = Database.connect(own_settings.database_url, part="test")
    async with db.tenant(tenant_id_for("dong-nai")) as session:
        from sqlalchemy import update

        await session.execute(update(OaCredentialRow).values(state="needs_reconsent", updated_at=clock.now()))
    await db.close()
    states = {each["slug"]: each["credential_state"] for each in (await cli("tenant", "list", "--json")).json}
    assert states.pop("dong-nai") == "needs_reconsent"
    assert set(states.values()) == {"ok"}


async def test_an_unknown_tenant_is_named_with_the_way_out(cli):
    said = await cli("tenant", "show", "nowhere")
    assert said.status == 1
    assert said.refusal.startswith('không có đơn vị "nowhere": xem tên các đơn vị bằng `govchat tenant list`')
