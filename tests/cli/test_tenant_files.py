"""`govchat tenant new`, `apply`, `export`, `merge` and `govchat wording`: the difference first, admins' edits kept, nothing half done."""

import re
import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import run
from tests.cli.test_tenant import NOWHERE, change
from tests.conftest import TENANTS

from govchat.cli.tenant_apply import NAMES
from govchat.onboarding.parts import PARTS


@pytest.fixture
def manifests(tmp_path):
    return shutil.copytree(TENANTS, tmp_path / "tenants")


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_overwrite_takes_the_name_of_every_part():
    assert tuple(part.name for part in PARTS) == NAMES


async def test_from_an_empty_folder_to_an_applied_tenant(cli, tmp_path):
    folder = tmp_path / "tenants"
    said = await run(NOWHERE, "tenant", "new", "hue", "--tenants", str(folder))
    assert said.status == 0
    assert "govchat tenant check hue" in said.out
    said = await run(NOWHERE, "tenant", "check", "hue", "--tenants", str(folder))
    assert said.status == 1
    assert [line.split()[1] for line in said.out.splitlines()] == ["zalo.app_id", "zalo.oa_id"]
    refused = await cli("tenant", "apply", "hue", "--tenants", str(folder))
    assert "chưa áp dụng gì" in refused.refusal
    change(folder, "hue", r'^app_id = "<[^"]*>"', 'app_id = "1234567890123"')
    change(folder, "hue", r'^oa_id = "<[^"]*>"', 'oa_id = "2234567890123"')
    assert (await cli("tenant", "check", "--tenants", str(folder))).status == 0
    said = await cli("tenant", "apply", "hue", "--tenants", str(folder))
    assert said.status == 0, said.everything
    assert re.search(r"zalo\.app_id: \d+ → 1234567890123", said.out)
    shown = (await cli("tenant", "show", "hue", "--json")).json
    assert (shown["app_id"], shown["oa_id"], shown["webhook_path"]) == (
        "1234567890123",
        "2234567890123",
        "/webhooks/zalo/hue",
    )


async def test_a_former_province_is_told_where_it_belongs_now(tmp_path):
    said = await run(NOWHERE, "tenant", "new", "binh-phuoc", "--tenants", str(tmp_path))
    assert "nay thuộc Thành phố Đồng Nai" in said.out


async def test_a_dry_run_shows_each_field_before_and_after_and_changes_nothing(cli, manifests):
    change(manifests, "dong-nai", r"^requests_per_minute = .*$", "requests_per_minute = 100")
    change(manifests, "dong-nai", r'^name = "Trung tâm.*$', 'name = "Trung tâm Hành chính công"\nphone = "1022"')
    said = await cli("tenant", "apply", "--tenants", str(manifests), "--dry-run")
    assert said.status == 0
    assert said.out.splitlines() == [
        "dong-nai:",
        "  zalo.requests_per_minute: 2000 → 100",
        "  agencies[ttpvhcc].name: Trung tâm Phục vụ hành chính công thành phố Đồng Nai → Trung tâm Hành chính công",
        "  agencies[ttpvhcc].phone: - → 1022",
        "0 tạo mới, 1 cập nhật, 33 không đổi (chạy thử: chưa thay đổi gì)",
    ]
    assert (await cli("tenant", "show", "dong-nai", "--json")).json["requests_per_minute"] == 2000
    (told,) = (await cli("tenant", "apply", "dong-nai", "--tenants", str(manifests), "--json")).json
    assert {"field": "zalo.requests_per_minute", "before": 2000, "after": 100} in told["changes"]
    (entry,) = [
        each for each in (await cli("audit", "show", "dong-nai", "--json")).json if each["act"] == "tenant.apply"
    ][-1:]
    assert entry["after"]["zalo.requests_per_minute"] == 100


async def test_two_that_exchange_an_account_stop_everything_before_the_first_write(cli, manifests):
    ids = {
        slug: re.search(r'^oa_id = "(\d+)"', (manifests / slug / "tenant.toml").read_text(), re.M)[1]
        for slug in ("hue", "da-nang")
    }
    change(manifests, "an-giang", r"^requests_per_minute = .*$", "requests_per_minute = 100")
    change(manifests, "hue", r"^oa_id = .*$", f'oa_id = "{ids["da-nang"]}"')
    change(manifests, "da-nang", r"^oa_id = .*$", f'oa_id = "{ids["hue"]}"')
    said = await cli("tenant", "apply", "--tenants", str(manifests))
    assert said.status == 1
    assert "theo vòng" in said.refusal
    assert (await cli("tenant", "show", "an-giang", "--json")).json["requests_per_minute"] == 2000
    change(manifests, "hue", r"^oa_id = .*$", 'oa_id = "999999999"')
    said = await cli("tenant", "apply", "--tenants", str(manifests))
    assert said.status == 0, said.everything
    assert said.out.splitlines()[-1] == "0 tạo mới, 3 cập nhật, 31 không đổi"
    # One that gives its account up alone comes first.
    change(manifests, "da-nang", r"^oa_id = .*$", 'oa_id = "888888888"')
    change(manifests, "hue", r"^oa_id = .*$", f'oa_id = "{ids["hue"]}"')
    assert (await cli("tenant", "apply", "--tenants", str(manifests))).status == 0


async def test_an_app_name_stays_with_those_who_still_use_it(cli, manifests):
    change(manifests, "lai-chau", r"^app_id = .*$", 'app_id = "77777777"')
    change(manifests, "dien-bien", r"^app_id = .*$", 'app_id = "77777777"')
    shutil.copytree(manifests / "lai-chau", manifests.parent / "alone" / "lai-chau")
    said = await cli("tenant", "apply", "lai-chau", "--tenants", str(manifests.parent / "alone"))
    assert said.status == 1
    assert "dien-bien còn dùng" in said.refusal
    said = await cli("tenant", "apply", "--tenants", str(manifests))
    assert said.status == 0, said.everything
    shown = (await cli("tenant", "show", "lai-chau", "--json")).json
    assert (shown["app_id"], shown["webhook_path"]) == ("77777777", "/webhooks/zalo/tay-bac")


async def test_what_an_admin_said_is_kept_exported_and_then_owned_by_the_file(cli, manifests):
    (manifests / "hue/wording.toml").write_text('[front]\nmenu = "Mời chọn."\n', encoding="utf-8")
    said = await cli("wording", "set", "hue", "front.menu", given="Xin mời anh/chị chọn.\r\n")
    assert said.status == 0, said.everything
    assert "  Xin mời anh/chị chọn." in said.out
    said = await cli("tenant", "apply", "hue", "--tenants", str(manifests))
    assert "giữ wording.front.menu: Xin mời anh/chị chọn." in said.out
    assert said.out.splitlines()[-1] == "0 tạo mới, 0 cập nhật, 1 không đổi"
    said = await cli("tenant", "export", "hue", "--to", str(manifests))
    assert [line.rpartition(": ")[2] for line in said.out.splitlines()] == ["không đổi", "đã ghi"]
    assert "Xin mời anh/chị chọn." in (manifests / "hue/wording.toml").read_text(encoding="utf-8")
    before = contents(manifests)
    assert (await cli("tenant", "export", "hue", "--to", str(manifests))).status == 0
    assert contents(manifests) == before
    (manifests / "hue/wording.toml").write_text('[front]\nmenu = "Mời chọn."\n', encoding="utf-8")
    said = await cli("tenant", "apply", "hue", "--tenants", str(manifests), "--overwrite", "wording")
    assert "  wording.front.menu: Xin mời anh/chị chọn. → Mời chọn." in said.out
    assert "Mời chọn." in (await cli("wording", "preview", "hue", "front.menu")).out


async def test_an_export_into_an_empty_folder_is_sound_and_changes_nothing_when_applied(cli, tmp_path):
    for slug in ("dong-nai", "lai-chau", "hue"):
        assert (await cli("tenant", "export", slug, "--to", str(tmp_path / "out"))).status == 0
    said = await cli("tenant", "apply", "--tenants", str(tmp_path / "out"))
    assert said.out.splitlines()[-1] == "0 tạo mới, 0 cập nhật, 3 không đổi"


async def test_a_manifest_that_waits_to_be_applied_is_kept_by_an_export(cli, manifests):
    change(manifests, "hue", r"^requests_per_minute = .*$", "requests_per_minute = 100")
    before = contents(manifests)
    said = await cli("tenant", "export", "hue", "--to", str(manifests))
    assert "tenant.toml: giữ nguyên tệp" in said.out
    assert "zalo.requests_per_minute: 100 → 2000" in said.out
    assert contents(manifests) == before
    assert (await cli("tenant", "export", "hue", "--to", str(manifests), "--replace-manifest")).status == 0
    assert "requests_per_minute = 2000" in (manifests / "hue/tenant.toml").read_text()


async def test_a_mistake_in_a_wording_file_stops_everything(cli, manifests):
    (manifests / "hue/wording.toml").write_text('[front]\nwelcome = "Chào"\n', encoding="utf-8")
    change(manifests, "an-giang", r"^requests_per_minute = .*$", "requests_per_minute = 100")
    said = await cli("tenant", "check", "--tenants", str(manifests))
    assert said.status == 1
    assert f'{manifests}/hue/wording.toml:2 front.welcome "Chào": thiếu chỗ điền {{example}}, {{province}}' in said.out
    said = await cli("tenant", "apply", "--tenants", str(manifests))
    assert "chưa áp dụng gì" in said.refusal
    assert (await cli("tenant", "show", "an-giang", "--json")).json["requests_per_minute"] == 2000


async def test_wording_is_shown_with_its_versions(cli):
    await cli("wording", "set", "hue", "button.help", "Cách dùng")
    rows = {row["key"]: row for row in (await cli("wording", "show", "hue", "--json")).json}
    assert (rows["button.help"]["text"], rows["button.help"]["own"]) == ("Cách dùng", True)
    assert rows["button.menu"]["own"] is False
    assert re.search(r"^button\.help +\* +Cách dùng$", (await cli("wording", "show", "hue")).out, re.M)
    assert (await cli("wording", "set", "hue", "button.help", "--reset")).status == 0
    told = (await cli("wording", "show", "hue", "button.help", "--json")).json
    assert [each["text"] for each in told["versions"]] == [None, "Cách dùng"]
    assert "dùng lại câu chung" in (await cli("wording", "show", "hue", "button.help")).out
    assert "chỗ điền {example}" in (await cli("wording", "preview", "hue", "front.help", "Nhắn mã")).refusal


async def test_a_merger_passes_the_codes_on_and_closes_the_old_tenant(cli, manifests):
    (manifests / "hue").rename(manifests / "bac-hue")
    for pattern, value in (
        (r"^slug = .*$", 'slug = "bac-hue"'),
        (r"^oa_id = .*$", 'oa_id = "1234567890"'),
        (r"^app_id = .*$", 'app_id = "9876543210"'),
    ):
        change(manifests, "bac-hue", pattern, value)
    assert (await cli("tenant", "apply", "bac-hue", "--tenants", str(manifests))).status == 0
    words = ("tenant", "merge", "bac-hue", "--into", "da-nang", "--on", "2026-07-01", "--tenants", str(manifests))
    before = contents(manifests)
    said = await cli(*words, "--dry-run")
    assert said.status == 0, said.everything
    assert "da-nang.h_codes[H57]: - → valid_from 2026-07-01, code H57, of Thừa Thiên Huế" in said.out
    assert "bac-hue.h_codes[H57].valid_to: - → 2026-06-30" in said.out
    assert contents(manifests) == before

    said = await cli(*words)
    assert said.status == 0, said.everything
    shown = (await cli("tenant", "show", "da-nang", "--json")).json
    assert set(shown["h_codes"]) == {"H17", "H47", "H57"}
    assert (await cli("tenant", "show", "bac-hue", "--json")).json["state"] == "closed"
    assert (manifests / "_closed/bac-hue/tenant.toml").exists()
    assert not (manifests / "bac-hue").exists()
    assert before[manifests / "da-nang/tenant.toml"].rstrip() in (manifests / "da-nang/tenant.toml").read_bytes()
    assert (await cli("tenant", "check", "--tenants", str(manifests))).status == 0
    said = await cli("tenant", "apply", "da-nang", "--tenants", str(manifests))
    assert said.out.splitlines()[-1] == "0 tạo mới, 0 cập nhật, 1 không đổi"
    for slug in ("da-nang", "bac-hue"):
        (entry,) = [each for each in (await cli("audit", "show", slug, "--json")).json if each["act"] == "tenant.merge"]
        assert entry["subject"] == "bac-hue → da-nang"

    # An old copy of the closed tenant's folder takes nothing back.
    (manifests / "da-nang/tenant.toml").write_bytes(before[manifests / "da-nang/tenant.toml"])
    shutil.copytree(manifests / "_closed/bac-hue", manifests / "bac-hue")
    told = (await cli("tenant", "apply", "bac-hue", "--tenants", str(manifests), "--json")).json
    assert [each["outcome"] for each in told] == ["closed"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("hue", "--into", "hue"), "into itself"),
        (("hue", "--into", "da-nang", "--on", "2999-01-01"), "lies ahead"),
        (("dong-nai", "--into", "da-nang", "--on", "2025-07-01"), "choose a later day"),
        (("nowhere", "--into", "da-nang"), "chưa có thư mục"),
    ],
)
async def test_a_merger_that_can_not_be_is_refused_and_changes_nothing(cli, manifests, words, why):
    before = contents(manifests)
    said = await cli("tenant", "merge", *words, "--tenants", str(manifests))
    assert said.status == 1
    assert why in said.refusal
    assert contents(manifests) == before


@pytest.mark.parametrize("cut", ["before the files", "before the folder", "never"])
async def test_a_merger_that_was_cut_off_is_finished_by_the_same_command_on_a_later_day(
    cli, tmp_path, cut, monkeypatch
):
    old, new = "hue", "ca-mau"
    for slug in (old, new):
        shutil.copytree(TENANTS / slug, tmp_path / slug)
    words = ("tenant", "merge", old, "--into", new, "--tenants", str(tmp_path))

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if cut != "never":
            patch.setattr(Path, "replace" if cut == "before the files" else "rename", killed)
        assert ((await cli(*words, "--on", "2026-07-01")).status == 0) == (cut == "never")
    assert (tmp_path / old).exists() == (cut != "never")
    said = await cli("tenant", "merge", old, "--into", "da-nang", "--tenants", str(tmp_path))
    assert f'merged into "{new}" already' in said.refusal
    before = contents(tmp_path)
    assert (await cli(*words, "--dry-run")).status == 0
    assert contents(tmp_path) == before
    said = await cli(*words)
    assert said.status == 0, said.everything
    assert (tmp_path / "_closed" / old / "tenant.toml").exists()
    assert not (tmp_path / old).exists()
    assert "valid_from = 2026-07-01" in (tmp_path / new / "tenant.toml").read_text("utf-8")
    said = await cli("tenant", "apply", new, "--tenants", str(tmp_path))
    assert said.out.splitlines()[-1] == "0 tạo mới, 0 cập nhật, 1 không đổi"
    for slug in (old, new):
        acts = [each["act"] for each in (await cli("audit", "show", slug, "--json")).json]
        assert acts.count("tenant.merge") == 1


async def test_a_merger_waits_for_what_was_not_applied(cli, manifests):
    change(manifests, "hue", r"^requests_per_minute = .*$", "requests_per_minute = 100")
    before = contents(manifests)
    said = await cli("tenant", "merge", "hue", "--into", "da-nang", "--tenants", str(manifests))
    assert "govchat tenant apply hue" in said.refusal
    assert contents(manifests) == before
    assert (await cli("tenant", "show", "hue", "--json")).json["state"] == "live"
    assert (await cli("tenant", "show", "da-nang", "--json")).json["h_codes"] == ["H17", "H47"]
