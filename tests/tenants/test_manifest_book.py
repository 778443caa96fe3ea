"""Manifests against each other: ids that belong to one tenant alone, shared Zalo apps, H codes over time."""

from datetime import date
from pathlib import Path

import pytest

from govchat.tenants.manifest import Book, find_province_of_h_code, read_all

TEXT = """slug = "{slug}"
name = "{name}"
full_name = "Tỉnh {name}"
type = "province"
official_code = "{code}"
official_code_vintage = "19/2025/QĐ-TTg"

[[h_codes]]
code = "H{code}"
of = "{name}"
legacy_slug = "{slug}"
kind = "own"

[zalo]
app_id = "{app_id}"
oa_id = "{oa_id}"
"""


class Folder:
    """A folder of sound manifests named a, b, …, to be spoilt by the test."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, folder: str, more: str = "", **values: str) -> None:
        number = ord(folder) - ord("a") + 1
        sound = {
            "slug": folder,
            "name": f"Tên {folder}",
            "code": f"{number:02}",
            "app_id": f"11111{number:02}",
            "oa_id": f"22222{number:02}",
        }
        (self.path / folder).mkdir(exist_ok=True)
        (self.path / folder / "tenant.toml").write_text(TEXT.format(**sound | values) + more, encoding="utf-8")

    def book(self) -> Book:
        return read_all(self.path)

    def found(self) -> list[tuple[str, int, str]]:
        return [(Path(each.file).parent.name, each.line, each.key) for each in self.book().findings]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    for slug in "abc":
        folder.put(slug)
    assert folder.found() == []
    return folder


def test_an_official_account_belongs_to_one_tenant(folder: Folder) -> None:
    folder.put("b", oa_id="2222201")
    assert folder.found() == [("a", 16, "zalo.oa_id"), ("b", 16, "zalo.oa_id")]
    assert folder.book().findings[0].message.startswith(f"trùng với {(folder.path / 'b').as_posix()}/tenant.toml:16")
    assert [manifest.slug for manifest in folder.book().manifests] == ["c"]


def test_a_mistake_of_shape_does_not_hide_a_conflict(folder: Folder) -> None:
    folder.put("b", oa_id="2222201", more='signature = "never"\n')
    assert folder.found() == [("a", 16, "zalo.oa_id"), ("b", 16, "zalo.oa_id"), ("b", 17, "zalo.signature")]


def test_slugs_names_and_official_codes_are_unique(folder: Folder) -> None:
    folder.put("b", slug="a", name="Tên a")
    assert folder.found() == [("a", 1, "slug"), ("a", 2, "name"), ("b", 1, "slug"), ("b", 1, "slug"), ("b", 2, "name")]
    folder.put("b", code="01")
    assert folder.found() == [
        ("a", 5, "official_code"),
        ("a", 9, "h_codes[0].code"),
        ("b", 5, "official_code"),
        ("b", 9, "h_codes[0].code"),
    ]


def test_a_shared_app_has_one_id_and_one_rate(folder: Folder) -> None:
    for slug in "abc":
        folder.put(slug, app_id="9999999", more='app = "chung"\n')
    assert folder.found() == []
    assert {manifest.webhook_path for manifest in folder.book().manifests} == {"/webhooks/zalo/chung"}
    folder.put("a", app_id="9999998", more='app = "chung"\napp_requests_per_minute = 3000\npkce_mode = "fixed"\n')
    assert folder.found() == [
        ("a", 15, "zalo.app_id"),
        ("a", 18, "zalo.app_requests_per_minute"),
        ("a", 19, "zalo.pkce_mode"),
    ]
    assert [manifest.slug for manifest in folder.book().manifests] == ["b", "c"]


def test_where_sharers_of_an_app_are_split_evenly_all_are_told(folder: Folder) -> None:
    folder.put("a", app_id="9999998", more='app = "chung"\n')
    folder.put("b", app_id="9999999", more='app = "chung"\n')
    assert folder.found() == [("a", 15, "zalo.app_id"), ("b", 15, "zalo.app_id")]


def test_an_app_id_has_one_name(folder: Folder) -> None:
    folder.put("b", app_id="1111101")
    assert folder.found() == [("a", 15, "zalo.app_id"), ("b", 15, "zalo.app_id")]


def test_a_shared_app_is_not_named_like_a_tenant(folder: Folder) -> None:
    folder.put("b", more='app = "c"\n')
    assert ("b", 17, "zalo.app") in folder.found()
    folder.put("b", more='app = "b"\n')
    assert folder.found() == []


EXTRA = '[[h_codes]]\ncode = "{}"\nof = "Tên"\nlegacy_slug = "{}"\nkind = "absorbed"\n{}\n'


def test_an_h_code_may_pass_from_one_tenant_to_another(folder: Folder) -> None:
    path = folder.path / "b/tenant.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace('kind = "own"', 'kind = "own"\nvalid_to = 2026-12-31'),
        encoding="utf-8",
    )
    folder.put("a", more=EXTRA.format("H02", "a", "valid_from = 2027-01-01"))
    book = folder.book()
    assert book.findings == ()
    answers = {day: find_province_of_h_code(book, " h02", day) for day in (date(2026, 12, 31), date(2027, 1, 1))}
    assert [manifest and manifest.slug for manifest in answers.values()] == ["b", "a"]
    assert find_province_of_h_code(book, "H77", date(2027, 1, 1)) is None
    folder.put("a", more=EXTRA.format("H02", "a", "valid_from = 2026-12-31"))
    assert folder.found() == [("a", 18, "h_codes[1].code"), ("b", 9, "h_codes[0].code")]


def test_a_former_province_has_one_successor(folder: Folder) -> None:
    for slug in "ab":
        folder.put(slug, more='[[lineage.predecessors]]\nslug = "cu"\nname = "Cũ"\ngso_code = "99"\n')
    assert folder.found() == [("a", 18, "lineage.predecessors[0].slug"), ("b", 18, "lineage.predecessors[0].slug")]
