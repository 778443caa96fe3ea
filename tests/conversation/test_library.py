"""Each province reads with its own words over one index, and both follow their files and the catalogue."""

import os
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from govchat.conversation.buttons import payload_of, token
from govchat.conversation.library import Library
from govchat.conversation.understand import understand
from govchat.kit.crypto import TenantVault
from govchat.procedures.book import Book

TODAY = date(2026, 11, 22)
TENANT = cast("Any", SimpleNamespace(id=UUID(int=7), slug="hue"))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "hue").mkdir()
    registry = cast("Any", SimpleNamespace(now=SimpleNamespace(tenants={})))
    return Library(Book(cast("Any", None), registry), tmp_path)


def first(library: Library, said: str) -> str:
    reading = understand(said, TODAY, book=library.shelf(TENANT).words).reading
    return reading.procedures[0].code if reading.procedures else ""


async def test_a_provinces_words_are_read_and_read_again_when_the_file_changes(library: Library) -> None:
    file = library.folder / "hue" / "words.toml"
    await library.read_words(TENANT)
    assert first(library, "xin giấy đi xa") != "1.000656"
    file.write_text('[aliases]\n"giấy đi xa" = "1.000656"\n', "utf-8")
    await library.read_words(TENANT)
    assert first(library, "xin giấy đi xa") == "1.000656"
    file.write_text('[aliases]\n"giấy đi xa" = "9.999999"\n', "utf-8")  # a mistake: the words of before go on
    os.utime(file, ns=(1, 1))
    await library.read_words(TENANT)
    assert first(library, "xin giấy đi xa") == "1.000656"
    file.unlink()
    await library.read_words(TENANT)
    assert first(library, "xin giấy đi xa") != "1.000656"


async def test_the_index_is_made_anew_when_the_catalogue_lists_something_else(library: Library) -> None:
    before = library.shelf(TENANT)
    library.look()
    await library.finish()
    assert library.shelf(TENANT) is before
    code = "1.001193"
    library.book.national = {code: library.book.national[code]}
    library.book._national_mark = 5
    library.look()
    await library.finish()
    after = library.shelf(TENANT)
    assert after is not before
    assert list(after.words.names.codes) == [code]
    assert after.find(code, TODAY) is not None
    assert after.find("1.000894", TODAY) is None


def test_a_button_is_of_one_province_and_one_citizen() -> None:
    ours, theirs = TenantVault("a", bytes(32)), TenantVault("b", bytes([1] * 32))
    made = token(ours, "citizen", "#secret H19.12-261103-0007")
    assert payload_of(ours, "citizen", made) == "#secret H19.12-261103-0007"
    assert "H19" not in made
    assert payload_of(ours, "another", made) is None
    assert payload_of(theirs, "citizen", made) is None
    for typed in ("#secret", "#", "", "# ", "#" + "A" * 300, made[:-2], made + "A", "#\u1ea5", "tra cứu"):
        assert payload_of(ours, "citizen", typed) is None
