"""What the hash of an entry covers, and that values come back from storage as they were hashed."""

import json
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govchat.audit.chain import NOTHING, Entry, canonical, digest, storable
from govchat.kit.ids import new_id

ENTRY = Entry(
    tenant_id=new_id(),
    number=7,
    at=datetime(2026, 11, 22, 8, 30, 0, 123, tzinfo=UTC),
    actor="cli:an",
    act="tenant.moved",
    subject="dong-nai",
    before={"state": "draft"},
    after={"state": "trial"},
    previous_hash=NOTHING,
)
OTHERS = {
    "tenant_id": new_id(),
    "number": 8,
    "at": ENTRY.at + timedelta(microseconds=1),
    "actor": "cli:binh",
    "act": "tenant.closed",
    "subject": "hue",
    "before": None,
    "after": {"state": "live"},
    "previous_hash": b"\1" * 32,
}


@pytest.mark.parametrize("column", Entry.__struct_fields__)
def test_the_hash_covers_every_column(column: str) -> None:
    assert digest(msgspec.structs.replace(ENTRY, **{column: OTHERS[column]})) != digest(ENTRY)


def test_the_hash_does_not_depend_on_the_time_zone_or_the_order_of_keys() -> None:
    there = ENTRY.at.astimezone(timezone(timedelta(hours=7)))
    assert digest(msgspec.structs.replace(ENTRY, at=there)) == digest(ENTRY)
    assert canonical({"b": 1, "a": "đỏ"}) == canonical({"a": "đỏ", "b": 1}) == '{"a":"đỏ","b":1}'


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(values)
def test_whatever_is_noted_is_json_that_reads_back_the_same(value: object) -> None:
    kept = storable(value)
    written = canonical(kept)
    assert "\0" not in written
    assert canonical(storable(json.loads(written))) == written


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(TypeError):
        storable(object())
