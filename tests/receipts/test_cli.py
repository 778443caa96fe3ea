"""`govchat receipt` as a counter's clerk or an operator uses it."""

import pytest
from tests.cli.conftest import run
from tests.receipts.counter import Counter

from govchat.settings import Settings


@pytest.mark.parametrize(("kind", "begins"), [("pdf", b"%PDF"), ("svg", b"<svg"), ("png", b"\x89PNG")])
async def test_a_receipt_is_printed_to_a_file(settings: Settings, counter: Counter, tmp_path, kind, begins):
    code = await counter.dossier()
    file = tmp_path / f"phieu.{kind}"
    said = await run(settings, "receipt", "print", "lam-dong", code, "--to", str(file))
    assert (said.status, said.refusal) == (0, "")
    assert file.read_bytes().startswith(begins)


async def test_revoking_says_whether_there_was_a_code(settings: Settings, counter: Counter):
    code = await counter.dossier()
    await counter.receipt(code, "svg")
    assert (await run(settings, "receipt", "revoke", "lam-dong", code)).out.startswith("đã thu hồi:")
    assert "không có mã QR nào còn hiệu lực" in (await run(settings, "receipt", "revoke", "lam-dong", code)).out


async def test_bad_input_names_the_thing_and_the_way_out(settings: Settings, counter: Counter, tmp_path):
    code = await counter.dossier()
    said = await run(settings, "receipt", "print", "lam-dong", code, "--to", str(tmp_path / "phieu.doc"))
    assert (said.status, "có đuôi .pdf, .svg hoặc .png" in said.refusal) == (1, True)
    said = await run(settings, "receipt", "print", "lam-dong", code, "--to", str(tmp_path / "no" / "phieu.pdf"))
    assert (said.status, "không ghi được" in said.refusal) == (1, True)
    assert "not known here" in (await run(settings, "receipt", "revoke", "hue", code)).refusal
    assert "tenant list" in (await run(settings, "receipt", "revoke", "hu", code)).refusal
