"""Whatever stands in a body: a 4xx or a 200, never a 5xx, and the other provinces go on being answered."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.house import House
from tests.journeys.stage import headers_for, post, rows, text_event

from govchat.inbox import drain as inbox

MIB = 1024 * 1024
ODD = {
    "nothing but blanks inside": b'{"event_name":"   "}',
    "deep arrays": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "depth just over": b'{"a":' * 80 + b"1" + b"}" * 80,
    "unclosed": b'{"event_name":"user_send_text"',
    "not UTF-8": b'{"event_name":"\xff\xfe\xc3\x28"}',
    "overlong UTF-8": b'{"event_name":"\xc0\xaf"}',
    "UTF-16": '{"event_name":"follow"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "array": b"[]",
    "array of events": b'[{"event_name":"follow"}]',
    "number": b"42",
    "string": b'"follow"',
    "null": b"null",
    "true": b"true",
    "NaN": b'{"timestamp":NaN}',
    "Infinity": b'{"timestamp":Infinity}',
    "1e999": b'{"event_name":"x","timestamp":1e999}',
    "huge integer": b'{"event_name":"x","timestamp":' + b"9" * 5000 + b"}",
    "duplicate keys": b'{"event_name":"follow","event_name":"unfollow","oa_id":"1","oa_id":"2"}',
    "lone surrogate": b'{"event_name":"\\ud800","message":{"msg_id":"\\udfff"}}',
    "surrogate halves swapped": b'{"event_name":"\\udc00\\ud800"}',
    "NUL as it is": b'{"event_name":"a\x00b"}',
    "form": b"event_name=follow",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
}
# These are events all the same: kept, 200.
KEPT: dict[str, dict[str, Any]] = {
    "NUL in ids": {"sender": {"id": "a\0b"}, "message": {"msg_id": "x\0y", "text": "\0"}},
    "10,000 combining marks": {"message": {"msg_id": "marks", "text": "e" + "\u0301" * 10_000}},
    "combining marks as id": {"sender": {"id": "e" + "\u0301" * 10_000}},
    "wrong types": {"sender": [], "message": "text", "timestamp": {"a": 1}},
    "ids as numbers": {"sender": {"id": 4611686018427387904}, "message": {"msg_id": 1.5, "text": 7}},
    "ids as null": {"sender": {"id": None}, "message": {"msg_id": None, "text": None}},
    "ids as booleans": {"sender": {"id": True}, "message": {"msg_id": False}},
    "a year far off": {"timestamp": "253402300799999"},
    "a year beyond": {"timestamp": "999999999999999999999999"},
    "a negative time": {"timestamp": "-1"},
    "a time in words": {"timestamp": "hôm qua"},
    "Arabic digits as time": {"timestamp": "١٧٩٥٠٠٠٠٠٠٠٠٠"},
    "SQL": {"sender": {"id": "'; DROP TABLE inbox_events; --"}, "event_name": "'); --"},
    "right to left": {"sender": {"id": "\u202eabc"}, "event_name": "\u202etext"},
    "an id of 100 kB": {"sender": {"id": "9" * 100_000}},
    "a name of 100 kB": {"event_name": "x" * 100_000},
    "many fields": {f"f{number}": number for number in range(20_000)},
    "many message ids": {"message": {"msg_ids": ["1" * 100] * 5_000}},
}


@pytest.mark.parametrize("name", ODD)
async def test_a_body_that_is_no_event_is_refused_with_400(door: House, name: str) -> None:
    tenant = door.registry.by_slug("an-giang")
    status, answer = await post(door, tenant, ODD[name])
    # Duplicate keys and a name of blanks are JSON objects: whatever is read, it is no Official Account of this app.
    assert status in ((400, 403) if name == "duplicate keys" else (200, 400)), answer
    unsigned, _ = await post(door, tenant, ODD[name], headers={})
    assert unsigned == 401


@pytest.mark.parametrize("name", KEPT)
async def test_an_event_with_odd_fields_is_kept(door: House, name: str) -> None:
    tenant = door.registry.by_slug("an-giang")
    body = text_event(tenant, f"odd {name}", "x", **KEPT[name])
    assert (await post(door, tenant, body))[0] == 200
    assert (await post(door, tenant, body))[0] == 200


async def test_a_body_over_one_mebibyte_is_413_and_one_of_exactly_that_is_read(door: House) -> None:
    tenant = door.registry.by_slug("an-giang")
    small = text_event(tenant, "large", "")
    fits = text_event(tenant, "large", "a" * (MIB - len(small)), msg_id=json.loads(small)["message"]["msg_id"])
    assert len(fits) == MIB
    assert (await post(door, tenant, fits))[0] == 200
    over = text_event(tenant, "larger", "a" * MIB)
    status, answer = await post(door, tenant, over)
    assert (status, json.loads(answer)["code"]) == (413, "body_too_large")

    async def in_pieces() -> Any:
        for _ in range(40):
            yield b"a" * 65536

    url = f"{door.url}/webhooks/zalo/an-giang"
    async with door.http.post(url, data=in_pieces(), headers=headers_for(tenant, b"")) as answer_:
        assert answer_.status == 413


async def test_odd_headers_and_methods_are_refused_politely(door: House) -> None:
    tenant = door.registry.by_slug("an-giang")
    body = text_event(tenant, "headers", "x")
    for more in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-7"},
        {"Accept": "image/png"},
        {"X-ZEvent-Timestamp": "é"},
    ):
        status, answer = await post(door, tenant, body, headers=headers_for(tenant, body) | more)
        assert status == 200, (more, answer)
    for method in ("PUT", "DELETE", "PATCH"):
        async with door.http.request(method, f"{door.url}/webhooks/zalo/an-giang", data=b"x") as answered:
            assert answered.status == 405


ids = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=300), st.lists(st.text(max_size=3))
)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)),
    max_leaves=12,
)
names = st.sampled_from(
    [
        "user_send_text",
        "follow",
        "unfollow",
        "user_submit_info",
        "oa_send_text",
        "user_seen_message",
        "user_received_message",
    ]
)
parties = st.fixed_dictionaries({}, optional={"id": ids, "admin_id": ids})
messages = st.fixed_dictionaries(
    {}, optional={"msg_id": ids, "text": ids, "msg_ids": st.lists(ids, max_size=5), "attachments": json_values}
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "event_name": st.one_of(names, ids),
        "timestamp": ids,
        "sender": st.one_of(parties, json_values),
        "recipient": st.one_of(parties, json_values),
        "follower": st.one_of(parties, json_values),
        "message": st.one_of(messages, json_values),
        "user_id_by_app": ids,
        "info": json_values,
        "extra": json_values,
    },
)  # fmt: skip
bodies = st.one_of(
    st.binary(max_size=400),
    documents.map(lambda found: json.dumps(found).encode()),  # NaN and lone surrogates as Python writes them
    documents.map(lambda found: json.dumps(found, ensure_ascii=False).encode("utf-8", "surrogatepass")),
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(several=st.lists(bodies, min_size=1, max_size=4), of_oa=st.booleans())
async def test_no_body_makes_the_door_stumble_or_keeps_another_province_waiting(
    door: House, several: list[bytes], of_oa: bool
) -> None:
    hostile, neighbour = door.registry.by_slug("an-giang"), door.registry.by_slug("ca-mau")
    if of_oa:  # aimed well enough to be stored
        several = [
            body[:-1] + f',"oa_id":"{hostile.oa_id}"}}'.encode() if body[-1:] == b"}" else body for body in several
        ]
    good = text_event(neighbour, "neighbour", "xin chào")
    answers = await asyncio.gather(
        *(post(door, hostile, body) for body in several), post(door, neighbour, good), post(door, hostile, several[0])
    )
    for status, answer in answers:
        assert status < 500, answer
    assert answers[len(several)] == (200, "{}")
    msg_id = json.loads(good)["message"]["msg_id"]
    kept = await rows(
        door,
        neighbour,
        "SELECT 1 FROM inbox_events WHERE tenant_id = :tenant AND dedupe_key LIKE :key",
        key=f"%{msg_id}",
    )
    assert len(kept) == 1


async def test_the_worker_gets_through_everything_that_was_kept(door: House) -> None:
    """Runs last in this file: what the tests above left in the inbox, worked off."""
    tenant = door.registry.by_slug("an-giang")
    body = text_event(tenant, "after-them-all", "xin chào")
    assert (await post(door, tenant, body))[0] == 200
    while (await inbox.drain(door.desk, tenant)).events:
        pass
    assert await rows(door, tenant, "SELECT 1 FROM inbox_events WHERE tenant_id = :tenant AND state <> 'done'") == []
    last = await rows(door, tenant, "SELECT state FROM inbox_events WHERE user_id = 'after-them-all'")
    assert [row.state for row in last] == ["done"]
