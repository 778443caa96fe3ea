"""`govchat understand`: a sentence explained, JSON for scripts, a province's own words, mistakes by file and line."""

import json
from pathlib import Path

from click.testing import CliRunner

from govchat.cli.understand import understand
from govchat.errors import ConfigurationError


def test_a_sentence_is_explained_step_by_step() -> None:
    shown = CliRunner().invoke(understand, ["ddawng kys keets hoon cần gì", "--tenant", "dong-nai"])
    assert shown.exit_code == 0
    for piece in (
        "gỡ Telex/VNI",
        "đăng kí kết hôn",
        "luật khớp",
        "fields.toml:",
        "1.000894",
        "hỏi về",
        "documents",
        "xử lý",
        "tin cậy",
    ):
        assert piece in shown.output, shown.output


def test_one_sentence_as_json() -> None:
    shown = CliRunner().invoke(understand, ["hs h19.12-251103 0007 xong chưa", "--json"])
    answer = json.loads(shown.output)
    assert answer["intent"] == "lookup_dossier"
    assert answer["codes"] == ["H19.12-251103-0007"]


def test_json_lines_are_answered_line_by_line() -> None:
    asked = '{"text": "mất sổ đỏ", "intent": "x"}\n\n{"text": "giấy phép con"}\n'
    shown = CliRunner().invoke(understand, ["--tenant", "an-giang"], input=asked)
    first, second = (json.loads(line) for line in shown.output.splitlines())
    assert first["procedures"][0] == "1.012786"
    assert not first["ask_back"]
    assert second["ask_back"]
    assert {"intent", "procedures", "ask_back", "confidence", "codes"} <= first.keys()


def test_half_an_emoji_is_no_mistake() -> None:
    asked = '{"text": "mất sổ đỏ \\ud83d"}\n{"text": "\\ude00 mất sổ đỏ \\ud83d\\ude00"}\n'
    shown = CliRunner().invoke(understand, [], input=asked)
    assert [json.loads(line)["procedures"][0] for line in shown.output.splitlines()] == ["1.012786"] * 2


def test_a_line_that_is_no_json_is_named() -> None:
    shown = CliRunner().invoke(understand, [], input='{"text": "alo"}\n{"txt": 1}\n')
    assert isinstance(shown.exception, ConfigurationError)
    assert "standard input:2" in str(shown.exception)


def test_a_province_s_words_are_read_from_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "somewhere"
    folder.mkdir()
    (folder / "tenant.toml").write_text("", "utf-8")
    (folder / "words.toml").write_text('[aliases]\n"giấy bông sen" = "1.009141"\n', "utf-8")
    arguments = ["xin giấy bông sen", "--json", "--tenant", "somewhere", "--tenants", str(tmp_path)]
    assert json.loads(CliRunner().invoke(understand, arguments).output)["procedures"][0] == "1.009141"
    (folder / "words.toml").write_text('[aliases]\n"giấy bông sen" = "1.00914"\n', "utf-8")
    wrong = CliRunner().invoke(understand, arguments)
    assert "words.toml:2" in str(wrong.exception)
    unknown = CliRunner().invoke(understand, ["alo", "--tenant", "nowhere", "--tenants", str(tmp_path)])
    assert 'tenant "nowhere"' in str(unknown.exception)
