"""What a provincial IT officer is told about a manifest: every mistake at once, each with its place and the way out."""

import codecs
import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from govchat.tenants.manifest import Book, Finding, read_all, read_one

SOUND = """slug = "cao-bang"
name = "Cao Bằng"
full_name = "Tỉnh Cao Bằng"
type = "province"
official_code = "04"
official_code_vintage = "19/2025/QĐ-TTg"

[[h_codes]]
code = "H14"
of = "Cao Bằng"
legacy_slug = "cao-bang"
kind = "own"

[zalo]
app_id = "1234567890123456789"
oa_id = "2234567890123456789"
"""


def read(folder: Path, text: str | bytes, slug: str = "cao-bang") -> Book:
    home = folder / slug
    home.mkdir(exist_ok=True)
    (home / "tenant.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    return read_one(home / "tenant.toml")


def only(book: Book) -> Finding:
    assert len(book.findings) == 1, [str(each) for each in book.findings]
    assert book.manifests == ()
    return book.findings[0]


def test_a_manifest_with_nothing_but_what_is_required_is_sound(tmp_path: Path) -> None:
    book = read(tmp_path, SOUND)
    assert book.findings == ()
    manifest = book.manifests[0]
    assert manifest.webhook_path == "/webhooks/zalo/cao-bang"
    assert (manifest.zalo.requests_per_minute, manifest.zalo.app_requests_per_minute) == (2000, 4000)
    assert (manifest.zalo.signature, manifest.zalo.pkce_mode) == ("enforce", "per_request")
    assert (manifest.quiet_hours.from_, manifest.quiet_hours.to) == ("22:00", "06:00")
    assert manifest.contact.hotline is None


def test_every_mistake_of_a_file_is_found_in_one_reading(tmp_path: Path) -> None:
    text = """slug = "cao bang"
name = "Cao Bằng "
full_nam = "Tỉnh Cao Bằng"
type = "provinces"
official_code = 4
official_code_vintage = 19/2025
oa_id = "2234567890123456789"

[[h_codes]]
code = "h14"
of = "Cao Bằng"
legacy_slug = "cao-bang"
kind = "own"
valid_from = 2025-02-30

[[h_codes]]
code = "H99"
kind = "absorbd"
valid_from = 2025-07-01
valid_to = 2025-06-30

[zalo]
app_id = "12ab"
requests_per_minute = 500
app_requests_per_minute = 4001
signature = "Enforced"
app_secret = "the-secret-itself"

[quiet_hours]
from = 22:00:00
to = "24:00"
"""
    book = read(tmp_path, text)
    assert book.manifests == ()
    found = {(each.line, each.key) for each in book.findings}
    assert found == {
        (1, "full_name"),
        (1, "slug"),
        (2, "name"),
        (3, "full_nam"),
        (4, "type"),
        (5, "official_code"),
        (6, "official_code_vintage"),  # not TOML
        (7, "oa_id"),
        (10, "h_codes[0].code"),
        (14, "h_codes[0].valid_from"),  # no such day
        (16, "h_codes[1].of"),
        (16, "h_codes[1].legacy_slug"),
        (18, "h_codes[1].kind"),
        (20, "h_codes[1].valid_to"),
        (22, "zalo.oa_id"),
        (23, "zalo.app_id"),
        (24, "zalo.requests_per_minute"),
        (25, "zalo.app_requests_per_minute"),
        (26, "zalo.signature"),
        (27, "zalo.app_secret"),
        (30, "quiet_hours.from"),
        (31, "quiet_hours.to"),
    }


def test_a_finding_reads_place_key_value_expectation_and_way_out(tmp_path: Path) -> None:
    found = only(read(tmp_path, SOUND.replace('"2234567890123456789"', '"12ab"')))
    place = (tmp_path / "cao-bang/tenant.toml").as_posix()
    expected = "cần từ 6 đến 20 chữ số, đặt trong dấu ngoặc kép; chép từ OA Manager → Thông tin tài khoản"
    assert str(found) == f'{place}:16 zalo.oa_id "12ab": {expected}'
    assert json.loads(msgspec.json.encode(found)) == {
        "file": place,
        "line": 16,
        "key": "zalo.oa_id",
        "value": "12ab",
        "message": expected,
    }


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ('zalo.oaid = "1"', 'có phải ý là "oa_id"?'),
        ('quite_hours = "22:00"', 'có phải ý là "quiet_hours"?'),
        ('Full-Name = "x"', 'có phải ý là "full_name"?'),
        ('hotline = "1022"', "khóa này thuộc bảng [contact]"),
        ('contact.slug = "x"', "khóa này phải đứng ở đầu tệp, trước mọi bảng"),
        ("contact.signatur = 1", 'có phải ý là "signature" trong bảng [zalo]?'),
        ("contact.xyzzy = 1", "các khóa dùng được ở đây: organisation, hotline, email, address, portal_url"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_known_one(tmp_path: Path, wrong: str, hint: str) -> None:
    messages = [
        each.message for each in read(tmp_path, f"{wrong}\n{SOUND}").findings if "không được biết" in each.message
    ]
    if wrong.startswith("zalo."):  # [zalo] can't be opened again below a dotted name
        messages = [each.message for each in read(tmp_path, SOUND + wrong.removeprefix("zalo.")).findings]
    assert messages == [f"khóa không được biết; {hint}"]


@pytest.mark.parametrize("key", ["app_secret", "oa_secret_key", "refresh_token", "access_token", "MAT_KHAU"])
def test_a_secret_in_a_manifest_is_refused_and_never_repeated(tmp_path: Path, key: str) -> None:
    found = only(read(tmp_path, f'{SOUND}{key} = "s3cr3t-value"\n'))
    assert "govchat secret set cao-bang" in found.message
    assert found.value is None
    assert "s3cr3t" not in str(found)
    broken = read(tmp_path, f"{SOUND}{key} = s3cr3t-value\n")
    assert broken.findings
    assert not any("s3cr3t" in str(each) for each in broken.findings)


@pytest.mark.parametrize(
    ("old", "new", "key", "hint"),
    [
        ('slug = "cao-bang"', 'slug = "bac-can"', "slug", 'khác tên thư mục "cao-bang"'),
        ('type = "province"', 'type = "city"', "full_name", 'phải bắt đầu bằng "Thành phố "'),
        ('name = "Cao Bằng"\nfull', 'name = "Bắc Cạn"\nfull', "full_name", 'phải kết thúc bằng tên riêng "Bắc Cạn"'),
        ('kind = "own"', 'kind = "absorbed"', "h_codes", "không có mã nào là"),
        ('legacy_slug = "cao-bang"', 'legacy_slug = "cao-bnag"', "h_codes[0].legacy_slug", 'có phải ý là "cao-bang"?'),
        ('oa_id = "2', 'oa_id = "1', "zalo.oa_id", "trùng với app_id"),
        ('app_id = "1234567890123456789"', "app_id = 1234567890123456789", "zalo.app_id", "đặt trong dấu ngoặc kép"),
        ('of = "Cao Bằng"', 'of = "Cao Bă\\u0300ng"', "h_codes[0].of", "NFD"),
        ('of = "Cao Bằng"', 'of = "Cao\\u00a0Bằng"', "h_codes[0].of", "ký tự không nhìn thấy"),
        ('of = "Cao Bằng"', 'of = """Cao Bằng\n"""', "h_codes[0].of", "thừa khoảng trắng"),
        ('of = "Cao Bằng"', "of = 14", "h_codes[0].of", "đặt trong dấu ngoặc kép"),
        (
            'kind = "own"',
            'kind = "own"\nvalid_from = 2025-07-01T00:00:00',
            "h_codes[0].valid_from",
            "ghi như 2025-07-01",
        ),
        (
            'kind = "own"',
            'kind = "own"\nvalid_from = 2025-07-02\nvalid_to = 2025-07-01',
            "h_codes[0].valid_to",
            "2025-07-02",
        ),
        ("[zalo]", "[[zalo]]", "zalo", "cần một bảng"),
        ("[[h_codes]]", "[h_codes]", "h_codes", "cần một danh sách"),
    ],
)
def test_each_rule_is_kept_and_explained(tmp_path: Path, old: str, new: str, key: str, hint: str) -> None:
    assert old in SOUND
    found = only(read(tmp_path, SOUND.replace(old, new, 1)))
    assert found.key == key
    assert hint in found.message


CODE = '[[h_codes]]\ncode = "{}"\nof = "Bắc Cạn"\nlegacy_slug = "cao-bang"\nkind = "own"\n{}\n'


def test_two_own_codes_may_follow_but_not_overlap_each_other(tmp_path: Path) -> None:
    first = SOUND.replace('kind = "own"', 'kind = "own"\nvalid_to = 2026-06-30')
    assert read(tmp_path, first + CODE.format("H03", "valid_from = 2026-07-01")).findings == ()
    found = only(read(tmp_path, first + CODE.format("H03", "valid_from = 2026-06-30")))
    assert found.key == "h_codes[1].kind"
    assert "H14" in found.message
    assert "đã có ở dòng 9" in only(read(tmp_path, first + CODE.format("H14", ""))).message


def test_a_former_name_needs_its_last_day_and_its_own_time(tmp_path: Path) -> None:
    former = '[[former_names]]\nfull_name = "Tỉnh Cao Bằng"\ntype = "province"\n'
    assert only(read(tmp_path, SOUND + former)).key == "former_names[0].valid_to"
    twice = f"{SOUND}{former}valid_to = 2020-01-01\n{former}valid_from = 2019-01-01\nvalid_to = 2021-01-01\n"
    assert only(read(tmp_path, twice)).key == "former_names[1]"


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        (SOUND.encode().replace("Bằng".encode(), b"B\xe1ng", 1), 2, "0xe1 ở cột 14"),
        (codecs.BOM_UTF8 + SOUND.encode(), 1, "BOM"),
        (SOUND.encode("utf-16"), 1, "UTF-16"),
        (SOUND.encode() + b'x = "\0"', 1, "UTF-8"),
        (SOUND.encode() + b"x = " + b"[" * 5000, 1, "lồng quá nhiều"),
        (SOUND.encode() + b"x = " + b"9" * 5000, 1, "số quá lớn"),
        (SOUND.encode() + b'note = """\nnever closed\n', 17, "chuỗi chưa đóng"),
        (SOUND.encode() + b"oa_id = 1", 17, "đã được ghi ở trên"),
        (SOUND.encode() + b"[zalo]\napp = 1", 17, "đã được mở ở trên"),
        (SOUND.encode().replace(b"[zalo]", b"[zalo"), 14, "tên bảng chưa đóng"),
        (SOUND.encode().replace(b'"H14"', b'"H14'), 9, "chuỗi chưa đóng"),
        (SOUND.encode() + b"#" * 1024 * 1024, 1, "1 MiB"),
    ],
)
def test_what_is_no_toml_is_a_finding_on_its_line(tmp_path: Path, text: bytes, line: int, hint: str) -> None:
    found = only(read(tmp_path, text))
    assert (found.line, found.value) in ((line, None), (line, '"H14'))
    assert hint in found.message


def test_syntax_mistakes_do_not_hide_each_other_nor_the_rest(tmp_path: Path) -> None:
    text = (
        SOUND.replace('"H14"', "H14")
        .replace('kind = "own"', "kind own")
        .replace("[zalo]", "[zalo")
        .replace('"2234567890123456789"', '"x"')
    )
    book = read(tmp_path, text)
    assert [(each.line, each.key) for each in book.findings] == [
        (9, "h_codes[0].code"),
        (12, "h_codes[0].kind"),
        (14, "zalo"),
        (16, "zalo.oa_id"),
    ]


def test_a_value_without_quotes_is_told_what_its_key_expects(tmp_path: Path) -> None:
    found = only(read(tmp_path, SOUND.replace('"2234567890123456789"', "12ab # copied")))
    assert (found.line, found.key, found.value) == (16, "zalo.oa_id", "12ab")
    assert "OA Manager → Thông tin tài khoản" in found.message


def test_missing_files_and_folders_are_findings(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder/tenant.toml").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "tenant.schema.json").write_text("{}")
    assert [Path(each.file).parent.name for each in read_all(tmp_path).findings] == ["empty", "folder"]
    assert "govchat tenant new nowhere" in only(read_one(tmp_path / "nowhere/tenant.toml")).message
    assert "GOVCHAT_TENANTS_DIR" in only(read_all(tmp_path / "nowhere")).message
    assert "govchat tenant new" in only(read_all(tmp_path / ".git")).message


def test_a_folder_may_be_given_for_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(tmp_path, SOUND)
    assert read_one(tmp_path / "cao-bang").manifests
    monkeypatch.chdir(tmp_path / "cao-bang")
    assert read_one(Path("tenant.toml")).manifests


PIECES = st.sampled_from(re.findall(r'\w+|"[^"\n]*"|\s+|[^\w\s]', SOUND))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=60).map(lambda parts: "".join(parts).encode())))
def test_no_file_whatever_makes_the_reading_fall_over(tmp_path: Path, raw: bytes) -> None:
    book = read(tmp_path, raw)
    assert book.findings
    assert msgspec.json.decode(msgspec.json.encode(book.findings))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_manifest_is_told_and_never_half_read(tmp_path: Path, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SOUND)))
    end = data.draw(st.integers(start, min(len(SOUND), start + 30)))
    book = read(tmp_path, SOUND[:start] + data.draw(st.text(max_size=5)) + SOUND[end:])
    assert bool(book.manifests) != bool(book.findings)
    for each in book.findings:
        assert 1 <= each.line <= SOUND.count("\n") + 6
        assert each.message
