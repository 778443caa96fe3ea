"""`govchat procedure`: files come in with a report, the catalogue is listed, doubts are shown."""

FILE = "Mã thủ tục;Tên thủ tục;Lĩnh vực;Thời hạn giải quyết;Ghi gì đó\n6.000001;Cấp thẻ thư viện;Văn hóa;8 ngày;x\nsai;Hỏng;;;\n"


async def test_a_national_file_is_tried_taken_and_seen_by_every_province(cli, tmp_path):
    file = tmp_path / "quoc-gia.csv"
    file.write_text(FILE, encoding="utf-16")
    said = await cli("procedure", "import", "--national", str(file), "--dry-run")
    assert said.status == 0
    for words in ("utf-16", "→ mã thủ tục", "không nhận ra", "thêm: 1", "dòng 3", "chưa ghi gì"):
        assert words in said.out
    assert (await cli("procedure", "import", "--national", str(file), "--strict")).status == 1
    assert (await cli("procedure", "import", "--national", "--json", str(file))).json["counts"]["added"] == 1
    assert [each["code"] for each in (await cli("procedure", "list", "hue", "the thu vien", "--json")).json] == [
        "6.000001"
    ]
    assert "8 ngày" in (await cli("procedure", "show", "son-la", "6.000001")).out
    doubts = (await cli("procedure", "flags", "hue", "--kind", "maybe_hours", "--json")).json
    assert "6.000001" in {each["code"] for each in doubts}
    assert "maybe_hours" in (await cli("procedure", "flags", "hue")).out


async def test_a_provinces_file_needs_no_owner_and_the_shared_catalogue_does(cli, tmp_path):
    file = tmp_path / "hue.csv"
    file.write_text(FILE)
    assert (await cli("procedure", "import", "hue", str(file))).status == 0
    assert (await cli("procedure", "show", "son-la", "6.000001")).refusal
    refused = await cli("procedure", "import", "--national", str(file), GOVCHAT_MIGRATION_DATABASE_URL="")
    assert "GOVCHAT_MIGRATION_DATABASE_URL" in refused.refusal
    assert "kiểm tra đường dẫn" in (await cli("procedure", "import", "hue", str(tmp_path / "none.csv"))).refusal
    assert (await cli("procedure", "import", str(file))).status == 2
