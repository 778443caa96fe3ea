"""The manifests in `tenants/`: the 34 provinces and cities of today, sound, complete and as editors expect them."""

import json
import re
from collections import Counter
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from govchat.tenants.manifest import SCHEMA_FILE, Book, find_province_of_h_code, json_schema, read_all

ROOT = Path(__file__).parents[2]
TENANTS = ROOT / "tenants"
TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def book() -> Book:
    return read_all(TENANTS)


def test_all_34_manifests_are_sound(book: Book) -> None:
    assert [str(each) for each in book.findings] == []
    assert len(book.manifests) == 34
    assert Counter(manifest.type for manifest in book.manifests) == {"city": 7, "province": 27}


def test_the_63_former_provinces_and_their_codes_are_covered_once(book: Book) -> None:
    codes = [each for manifest in book.manifests for each in manifest.h_codes]
    assert sorted(each.code for each in codes) == [f"H{number:02}" for number in range(1, 64)]
    former = [each.slug for manifest in book.manifests for each in manifest.lineage.predecessors]
    assert sorted(each.legacy_slug for each in codes) == sorted(former)
    assert len(set(former)) == 63
    assert all(sum(each.kind == "own" for each in manifest.h_codes) == 1 for manifest in book.manifests)


def test_the_h_codes_follow_the_alphabet_as_the_list_of_2020_does(book: Book) -> None:
    """Only Vietnamese order needs care: Đ after D, and Hà Nam, Hà Nội, Hà Tĩnh, Hải Dương by syllable."""
    by_code = {each.code: each.of for manifest in book.manifests for each in manifest.h_codes}
    assert [by_code[code] for code in ("H01", "H15", "H17", "H26", "H30", "H55", "H57", "H63")] == [
        "An Giang",
        "Đắk Lắk",
        "Đà Nẵng",
        "Hà Nội",
        "Hậu Giang",
        "Thái Nguyên",
        "Thừa Thiên Huế",
        "Yên Bái",
    ]


@pytest.mark.parametrize(
    ("code", "on", "slug"),
    [
        ("H19", TODAY, "dong-nai"),
        ("H10", TODAY, "dong-nai"),
        ("H10", date(2025, 6, 30), None),
        ("H57", TODAY, "hue"),
        ("H58", TODAY, "dong-thap"),
        ("H64", TODAY, None),
    ],
)
def test_an_old_code_leads_to_the_province_of_today(book: Book, code: str, on: date, slug: str | None) -> None:
    manifest = find_province_of_h_code(book, code, on)
    assert (manifest.slug if manifest else None) == slug


def test_dong_nai_was_a_province_until_april_2026(book: Book) -> None:
    manifest = book.of("dong-nai")
    assert manifest is not None
    assert manifest.type == "city"
    assert manifest.full_name_on(date(2026, 4, 29)) == "Tỉnh Đồng Nai"
    assert manifest.full_name_on(date(2026, 4, 30)) == "Thành phố Đồng Nai"


def test_own_and_shared_apps_are_mixed(book: Book) -> None:
    shared = {manifest.slug for manifest in book.manifests if manifest.webhook_path == "/webhooks/zalo/tay-bac"}
    assert shared == {"dien-bien", "lai-chau"}
    assert all(manifest.app_key == manifest.slug for manifest in book.manifests if manifest.slug not in shared)
    assert len({manifest.zalo.app_id for manifest in book.manifests}) == 33
    ids = {manifest.zalo.app_id for manifest in book.manifests} | {manifest.zalo.oa_id for manifest in book.manifests}
    assert len(ids) == 33 + 34
    assert all(16 <= len(each) <= 19 for each in ids)


def test_development_manifests_enforce_signatures_and_keep_the_night(book: Book) -> None:
    assert {manifest.zalo.signature for manifest in book.manifests} == {"enforce"}
    assert {manifest.zalo.requests_per_minute for manifest in book.manifests} == {2000}
    assert {(manifest.quiet_hours.starts, manifest.quiet_hours.ends) for manifest in book.manifests} == {
        (time(22), time(6))
    }


def test_each_manifest_tells_editors_its_schema(book: Book) -> None:
    for manifest in book.manifests:
        raw = (TENANTS / manifest.slug / "tenant.toml").read_bytes()
        assert raw.startswith(f"#:schema ../{SCHEMA_FILE}\n".encode()), manifest.slug
        assert b"\r" not in raw


def test_the_committed_schema_is_the_one_of_the_code() -> None:
    committed = (TENANTS / SCHEMA_FILE).read_text(encoding="utf-8")
    assert committed == json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n", (
        "write json_schema() to the file again"
    )


def test_every_key_is_explained_in_vietnamese_and_documented() -> None:
    page = (ROOT / "docs/manifest.md").read_text(encoding="utf-8")
    schema = json_schema()
    for table in (schema, *schema["$defs"].values()):
        for key, each in table["properties"].items():
            assert f"`{key}`" in page, f"docs/manifest.md does not explain {key}"
            assert _description(each), f"{key} has no description for editors"


def _description(part: dict[str, Any]) -> str:
    return part.get("description") or next(
        (each["description"] for each in part.get("anyOf", ()) if "description" in each), ""
    )


def test_the_example_in_the_documentation_is_sound(tmp_path: Path) -> None:
    page = (ROOT / "docs/manifest.md").read_text(encoding="utf-8")
    example = re.findall(r"```toml\n(.*?)```", page, re.S)[0]
    home = tmp_path / "dong-nai"
    home.mkdir()
    (home / "tenant.toml").write_text(example, encoding="utf-8")
    assert [str(each) for each in read_all(tmp_path).findings] == []
