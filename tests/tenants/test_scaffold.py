"""A new tenant's folder: what is known stands there, what is not is named with its line until it is filled in."""

import json
import re
from pathlib import Path

import pytest

from govchat.tenants.manifest import read_all, read_one
from govchat.tenants.scaffold import TenantFolderRefused, former_unit, known_provinces, scaffold
from govchat.tenants.write import manifest_text, values_of

TENANTS = Path(__file__).parents[2] / "tenants"
FILLED = {
    "name": "Thử Nghiệm",
    "full_name": "Tỉnh Thử Nghiệm",
    "type": "province",
    "official_code": "99",
    "organisation": "Sở Khoa học và Công nghệ",
    "code": "H99",
    "of": "Thử Nghiệm",
    "app_id": "1234567890",
    "oa_id": "2234567890",
}


def fill(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for key, value in FILLED.items():
        text = re.sub(rf'^{key} = "<[^"]*>"', f'{key} = "{value}"', text, count=1, flags=re.M)
    file.write_text(text.replace('"<tên cơ quan tiếp nhận hồ sơ>"', '"Sở Xây dựng"'), encoding="utf-8")


def test_a_new_folder_names_each_place_to_fill_in_with_its_line(tmp_path: Path) -> None:
    made = scaffold(tmp_path, "thu-nghiem")
    assert not made.known
    file = tmp_path / "thu-nghiem/tenant.toml"
    lines = file.read_text(encoding="utf-8").splitlines()
    marked = [number for number, line in enumerate(lines, 1) if '"<' in line]
    found = read_all(tmp_path).findings
    assert [each.line for each in found] == marked
    assert len(marked) == 10
    assert all(each.message.startswith("chỗ này chưa điền; cần ") for each in found)


def test_a_filled_in_folder_is_sound_beside_the_34(tmp_path: Path) -> None:
    for slug in known_provinces():
        (tmp_path / slug).symlink_to(TENANTS / slug)
    scaffold(tmp_path, "thu-nghiem")
    fill(tmp_path / "thu-nghiem/tenant.toml")
    book = read_all(tmp_path)
    assert [str(each) for each in book.findings] == []
    assert len(book.manifests) == 35


def test_one_of_the_34_has_only_its_ids_left_to_fill_in(tmp_path: Path) -> None:
    for slug in known_provinces():
        scaffold(tmp_path, slug)
    found = read_all(tmp_path).findings
    assert {each.key for each in found} == {"zalo.app_id", "zalo.oa_id"}
    assert len(found) == 68
    assert (tmp_path / "tenant.schema.json").exists()


def test_what_is_known_of_the_34_is_what_their_manifests_say() -> None:
    for manifest in read_all(TENANTS).manifests:
        values = values_of(manifest)
        known = known_provinces()[manifest.slug]
        assert json.loads(json.dumps({key: values[key] for key in known}, default=str)) == known


def test_joining_a_shared_app_brings_its_name_and_id(tmp_path: Path) -> None:
    scaffold(tmp_path, "lai-chau", app="tay-bac", app_id="1234567890")
    assert [each.key for each in read_all(tmp_path).findings] == ["zalo.oa_id"]


@pytest.mark.parametrize("slug", ["Đồng Nai", "dong_nai", "-x", "x-", "a--b", "", "../x", "x" * 41, "a\n", "con/x"])
def test_a_bad_name_is_refused_and_nothing_is_written(tmp_path: Path, slug: str) -> None:
    with pytest.raises(TenantFolderRefused, match="chữ thường không dấu") as refusal:
        scaffold(tmp_path, slug)
    assert "\n" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_never_touched(tmp_path: Path) -> None:
    scaffold(tmp_path, "hue")
    before = (tmp_path / "hue/tenant.toml").read_bytes()
    with pytest.raises(TenantFolderRefused, match="đã có sẵn"):
        scaffold(tmp_path, "hue")
    assert (tmp_path / "hue/tenant.toml").read_bytes() == before


def test_a_place_that_can_not_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TenantFolderRefused, match="không ghi được"):
        scaffold(tmp_path / "file", "hue")


def test_a_former_province_is_led_to_its_successor() -> None:
    assert former_unit("binh-phuoc") == "Thành phố Đồng Nai"
    assert former_unit("dong-nai") is None
    assert former_unit("thu-nghiem") is None


def test_a_written_manifest_reads_as_it_was(tmp_path: Path) -> None:
    for manifest in read_all(TENANTS).manifests:
        home = tmp_path / manifest.slug
        home.mkdir()
        (home / "tenant.toml").write_text(manifest_text(values_of(manifest)), encoding="utf-8")
        assert read_one(home).manifests == (manifest,)
