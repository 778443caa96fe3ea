"""No body breaks the readers, crooked events are kept with their ids, and one event has one key."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.zalo import events
from govchat.zalo.catalogue import BY_NAME
from govchat.zalo.events import NotAnEvent, decode, peek

TIME = "1763770000000"


def body(**fields):
    return json.dumps(fields).encode()


def said(name="user_send_text", *, user="333", oa="444", message=None, **more):
    return body(
        event_name=name,
        app_id="111",
        user_id_by_app="222",
        timestamp=TIME,
        sender={"id": user},
        recipient={"id": oa},
        message=message or {"msg_id": "abc", "text": "xin chào"},
        **more,
    )


def managed(name, **fields):
    return body(event_name=name, oa_id="444", app_id="111", timestamp=TIME, **fields)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"  ", "empty"),
        (b"not json", "not JSON"),
        (b"[]", "an array"),
        (b'"text"', "a string"),
        (b"null", "null"),
        (b"12", "a number"),
        (b'{"event_name":"\xff"}', "not UTF-8"),
        (b'{"unread":"\xff"}', "not UTF-8"),
        (b'{"a":1e999}', "out of range"),
        (b'{"a":' + b"[" * 65 + b"]" * 65 + b"}", "deeper than 64"),
        (b"[" * 500_000, "deeper than 64"),
        (b'{"a":' * 100_000, "deeper than 64"),
        (b'{"event_name":"follow"', "not JSON"),
        (b'\xef\xbb\xbf{"event_name":"follow"}', "not JSON"),
        (b'{"a":"\\ud800"}', "not JSON"),
        (b"[" * 70 + b'"a\\' * 300_000, "not JSON"),
    ],
    ids=range(17),
)
def test_what_is_no_event_is_named_as_such_by_both_readers(raw, reason):
    for read in (peek, decode):
        with pytest.raises(NotAnEvent, match=reason):
            read(raw)


def test_brackets_in_what_a_citizen_writes_are_not_depth():
    event = decode(said(message={"msg_id": "m", "text": '[{"' * 500 + "\\"}))
    assert event.text == '[{"' * 500 + "\\"


def test_sixty_four_levels_are_read():
    assert peek(b'{"event_name":"x","a":' + b"[" * 63 + b"]" * 63 + b"}").event_name == "x"


def test_a_probe_is_known_and_read_as_an_event_without_a_name():
    assert all(map(events.is_probe, (b"", b" \n", b"{}", b" {} ")))
    assert not events.is_probe(b'{"a":1}')
    assert peek(b"{}").event_name == ""
    assert type(decode(b"{}")) is events.Unknown


def test_numbers_are_taken_where_strings_are_meant():
    raw = said(user=2**60, oa=4, message={"msg_id": 5, "text": 2026}).replace(f'"{TIME}"'.encode(), TIME.encode())
    event = decode(raw)
    assert isinstance(event, events.UserMessage)
    assert (event.user_id, event.oa_id, event.msg_id, event.text) == (str(2**60), "4", "5", "2026")
    assert event.timestamp == TIME
    assert event.dedupe_key == peek(raw).dedupe_key


@pytest.mark.parametrize(
    "raw",
    [
        said(message={"msg_id": "abc", "text": ["xin"]}),
        said(message={"msg_id": "abc", "text": "a", "attachments": {"type": "image"}}),
        said(message={"msg_id": "abc", "quote_msg_id": {}}),
        said(message="text"),
        body(event_name="user_send_text", app_id="111", sender={"id": "333"}, recipient={"id": "444"}, timestamp=TIME),
    ],
)
def test_a_crooked_field_leaves_an_unknown_event_with_the_ids_that_can_be_read(raw):
    event = decode(raw)
    assert type(event) is events.Unknown
    assert (event.event_name, event.app_id, event.oa_id, event.user_id) == ("user_send_text", "111", "444", "333")
    assert "$.message" in event.problem or "`message`" in event.problem


def test_a_null_is_as_good_as_a_missing_field():
    assert decode(said(message={"msg_id": "m", "text": "a", "attachments": None, "quote_msg_id": None})).text == "a"


def test_ids_that_no_table_takes_are_not_taken_over():
    header = peek(said(user="a\x00b", oa="4" * 500, message={"msg_id": "m\x00"}))
    assert (header.user_id, header.oa_id) == (None, None)
    assert "\x00" not in header.dedupe_key
    assert peek(body(event_name="x\x00")).event_name == ""


@pytest.mark.parametrize("stamp", ["", "soon", "-1", "9" * 18, "9" * 400, None, True, [1], 1e300, "253402300800000"])
def test_an_odd_time_is_no_time(stamp):
    assert decode(body(event_name="follow", timestamp=stamp)).occurred_at is None


def key(raw):
    assert peek(raw).dedupe_key == decode(raw).dedupe_key
    return peek(raw).dedupe_key


def test_the_same_event_delivered_twice_has_one_key_whatever_its_layout():
    first = said()
    again = json.dumps(dict(reversed(json.loads(first).items())), indent=2, ensure_ascii=False).encode()
    assert key(first) == key(again) == "user_send_text|444|333|abc"


def test_different_events_have_different_keys():
    placeholder = {"msg_id": "This is message id", "text": "x"}
    follow = {"follower": {"id": "3"}}
    raws = [
        said(),
        said("user_send_image"),
        said(message={"msg_id": "abd"}),
        said(message=placeholder),
        said(user="334", message=placeholder),
        said(oa="445", message=placeholder),
        said("user_seen_message", message={"msg_ids": ["m1"]}),
        said("user_seen_message", message={"msg_ids": ["m1", "m2"]}),
        said("user_seen_message", message={"msg_ids": [str(n) for n in range(1000)]}),
        said("user_reacted_message", message={"msg_id": "m1", "react_icon": "/-strong"}),
        said("user_reacted_message", message={"msg_id": "m1", "react_icon": "/-heart"}).replace(
            TIME.encode(), b"1763770000001"
        ),
        managed("follow", **follow),
        managed("unfollow", **follow),
        managed("follow", follower={"id": "4"}),
        body(event_name="follow", oa_id="444", **follow),
        body(event_name="follow", oa_id="444", note="another without a time", **follow),
        managed("change_template_status", template_id="1"),
        managed("change_template_status", template_id="2"),
        managed("permission_revoked"),
        managed("permission_revoked", app_name="second"),
        said("a|b", user="c"),
        said("a", user="b|c"),
    ]
    keys = [key(raw) for raw in raws]
    assert len(set(keys)) == len(keys)
    assert all(len(each) <= 240 for each in keys)


def test_a_receipt_for_a_telephone_number_keeps_the_number_out_of_its_key():
    raw = said("user_received_message", user="444", oa="84900000000", message={"msg_id": "z1", "tracking_id": "t"})
    assert "84900000000" not in key(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
FIELDS_NAMES = """
app_id oa_id oaId user_id user_id_by_app timestamp sender recipient message follower info tag data users quota status
msg_id template_id group_id source
"""
FIELDS = FIELDS_NAMES.split()
INNER_NAMES = """
id msg_id msg_ids text attachments user_ids name admin_id rate feedbacks phone full_address tracking_id
"""
INNER = INNER_NAMES.split()


@given(
    name=st.sampled_from(sorted(BY_NAME)) | st.text(max_size=20),
    fields=st.dictionaries(
        st.sampled_from(FIELDS),
        json_values | st.dictionaries(st.sampled_from(INNER), json_values, max_size=4),
        max_size=8,
    ),
)
def test_no_object_however_crooked_fails_to_become_an_event(name, fields):
    raw = json.dumps({"event_name": name, **fields}).encode()
    event, header = decode(raw), peek(raw)
    for field in (
        "event_name",
        "app_id",
        "oa_id",
        "user_id",
        "user_id_by_app",
        "timestamp",
        "dedupe_key",
        "occurred_at",
    ):
        assert getattr(event, field) == getattr(header, field)
    assert header.dedupe_key.isprintable()


@given(raw=st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ a1\u1ebf', max_size=40).map(str.encode))
def test_what_peek_accepts_decode_reads_and_the_other_way_round(raw):
    outcomes = []
    for read in (peek, decode):
        try:
            read(raw)
            outcomes.append("read")
        except NotAnEvent as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]
