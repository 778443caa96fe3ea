"""The page about the house names every table, under its room, and none that is gone."""

import re
from pathlib import Path

from sqlalchemy import Table

from govchat.db.base import Base
from govchat.db.tables import metadata

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


def rooms() -> dict[str, str]:
    """Room by table, as the models have it."""
    metadata()
    return {
        mapper.local_table.name: mapper.class_.__module__.split(".")[1]
        for mapper in Base.registry.mappers
        if isinstance(mapper.local_table, Table)
    }


def told() -> dict[str, str]:
    """Room by table, as the page has it: a row without a room belongs to the room above it."""
    found: dict[str, str] = {}
    room = ""
    for named, table in re.findall(r"^\| (`\w+`)? ?\| `(\w+)` \| \S", PAGE.read_text(), re.MULTILINE):
        room = named.strip("`") or room
        found[table] = room
    return found


def test_the_page_lists_the_tables_of_each_room() -> None:
    assert told() == rooms()


def test_the_page_names_those_that_belong_to_no_province() -> None:
    sentence = re.search(r"^Every table belongs to a tenant.*?\n\n", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert sentence
    common = {table.name for table in metadata().tables.values() if "tenant_id" not in table.c}
    assert set(re.findall(r"`(\w+)`", sentence[0])) - {"tenant_id", "tenant_isolation"} == common
