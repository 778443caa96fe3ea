"""Every event of the catalogue is read, unknown and crooked ones are kept, and one event has one key."""

import json
from datetime import UTC, datetime

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


def attachment(kind, **payload):
    return said(f"user_send_{kind}", message={"msg_id": "abc", "attachments": [{"type": kind, "payload": payload}]})


def test_a_text_is_read_with_all_that_it_says():
    event = decode(said(message={"msg_id": "abc", "text": "tra cứu", "quote_msg_id": "prev"}))
    assert isinstance(event, events.UserMessage)
    assert (event.event_name, event.app_id, event.oa_id, event.user_id, event.user_id_by_app) == (
        *("user_send_text", "111", "444", "333", "222"),
    )
    assert (event.kind, event.text, event.msg_id, event.message.quote_msg_id) == ("text", "tra cứu", "abc", "prev")
    assert event.occurred_at == datetime(2025, 11, 22, 0, 6, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "kind", "check"),
    [
        (
            attachment("image", url="u", thumbnail="t"),
            events.UserMessage,
            lambda e: e.attachments[0].payload.url == "u",
        ),
        (attachment("sticker", id="9", url="u"), events.UserMessage, lambda e: e.attachments[0].payload.id == "9"),
        (
            attachment("location", coordinates={"latitude": "10.95", "longitude": "106.82"}),
            events.UserMessage,
            lambda e: e.kind == "location" and e.attachments[0].location == (10.95, 106.82),
        ),
        (
            attachment("location", coordinates={"latitude": 10.95, "longitude": "rubbish"}),
            events.UserMessage,
            lambda e: e.attachments[0].location is None,
        ),
        (
            attachment("file", url="u", name="don.pdf", size="2048", type="pdf", checksum="c"),
            events.UserMessage,
            lambda e: e.attachments[0].size_bytes == 2048 and e.attachments[0].payload.name == "don.pdf",
        ),
        (
            attachment("business_card", description='{"phone":"84900000000","qrCodeUrl":"x"}', url="u"),
            events.UserMessage,
            lambda e: e.kind == "business_card" and e.attachments[0].card_phone == "84900000000",
        ),
        (attachment("link", description="not json"), events.UserMessage, lambda e: e.attachments[0].card_phone is None),
        (
            said("oa_send_text", user="444", oa="333"),
            events.OaMessage,
            lambda e: (e.oa_id, e.user_id, e.by_hand, e.text) == ("444", "333", False, "xin chào"),
        ),
        (
            body(
                event_name="oa_send_text",
                sender={"id": "444", "admin_id": 9},
                recipient={"id": "333"},
                message={"msg_id": "m", "text": "x"},
            ),
            events.OaMessage,
            lambda e: e.by_hand and e.admin_id == "9",
        ),
        (
            said("anonymous_send_text", user="anon", message={"msg_id": "m", "conversation_id": "c", "text": "x"}),
            events.AnonymousMessage,
            lambda e: (e.user_id, e.anonymous_id, e.from_oa, e.oa_id, e.kind) == (None, "anon", False, "444", "text"),
        ),
        (
            said("oa_send_anonymous_text", user="444", oa="anon"),
            events.AnonymousMessage,
            lambda e: (e.user_id, e.anonymous_id, e.from_oa, e.oa_id, e.kind) == (None, "anon", True, "444", "text"),
        ),
        (
            said("user_seen_message", user="444", oa="333", message={"msg_ids": ["m1", "m2"]}),
            events.Receipt,
            lambda e: (e.seen, e.msg_ids, e.oa_id, e.user_id) == (True, ("m1", "m2"), "444", "333"),
        ),
        (
            said("user_received_message", user="444", oa="333", message={"msg_id": "m1"}),
            events.Receipt,
            lambda e: (e.seen, e.msg_ids, e.user_id, e.tracking_id) == (False, ("m1",), "333", None),
        ),
        (
            said(
                "user_received_message",
                user="444",
                oa="84900000000",
                message={"msg_id": "z1", "delivery_time": "1763770001000", "tracking_id": "t1"},
            ),
            events.Receipt,
            lambda e: (e.user_id, e.tracking_id, e.oa_id) == (None, "t1", "444") and e.delivered_at.second == 41,
        ),
        (
            said("user_reacted_message", message={"msg_id": "m1", "react_icon": "/-strong"}),
            events.Reaction,
            lambda e: e.message.react_icon == "/-strong" and e.user_id == "333",
        ),
        (
            said("oa_reacted_message", user="444", oa="333", message={"msg_id": "m1", "react_icon": "/-heart"}),
            events.Reaction,
            lambda e: (e.oa_id, e.user_id) == ("444", "333"),
        ),
        (
            managed("follow", follower={"id": "333"}, user_id_by_app="222", source="oa_profile"),
            events.Follow,
            lambda e: e.following and (e.user_id, e.oa_id, e.source) == ("333", "444", "oa_profile"),
        ),
        (managed("unfollow", follower={"id": "333"}), events.Follow, lambda e: not e.following and e.user_id == "333"),
        (managed("user_click_chatnow", user_id="333"), events.Chatnow, lambda e: e.user_id == "333"),
        (
            body(
                event_name="user_submit_info",
                sender={"id": "333"},
                recipient={"id": "444"},
                info={
                    "name": "Lan",
                    "phone": 84900000000,
                    "full_address": {"user_city": "Đồng Nai", "user_ward": "Trảng Dài"},
                },
            ),
            events.InfoSubmitted,
            lambda e: (e.info.phone, e.info.address_line, e.user_id) == ("84900000000", "Trảng Dài, Đồng Nai", "333"),
        ),
        (
            body(
                event_name="user_submit_info",
                info={"address": "5 Lê Lợi", "city": "Huế", "district": "Q1", "ward": "P2"},
            ),
            events.InfoSubmitted,
            lambda e: e.info.address_line == "5 Lê Lợi, P2, Q1, Huế",
        ),
        (
            managed("add_user_to_tag", tag={"name": "vip", "user_ids": ["333"]}),
            events.TagChanged,
            lambda e: e.tag.name == "vip" and e.user_id == "333",
        ),
        (managed("remove_tag", tag={"name": "vip"}), events.TagChanged, lambda e: e.user_id is None),
        (managed("update_user_info", data={"method": "dynamic_url"}), events.UserUpdated, lambda e: e.oa_id == "444"),
        (managed("user_withdraw", user_id="333"), events.Withdrawn, lambda e: e.user_id == "333"),
        (
            managed(
                "widget_interaction_accepted", data={"user_id": "333", "user_external_id": "ours", "url": "https://x"}
            ),
            events.WidgetEvent,
            lambda e: e.accepted and e.user_id == "333" and e.data.user_external_id == "ours",
        ),
        (said("user_call_oa"), events.Call, lambda e: e.user_id == "333"),
        (said("oa_call_user", user="444", oa="333"), events.Call, lambda e: (e.oa_id, e.user_id) == ("444", "333")),
        (
            managed("user_join_group", group_id="g1", users=[{"id": "333"}, {"id": 5}]),
            events.GroupEvent,
            lambda e: e.group_id == "g1" and e.member_ids == ("333", "5") and e.user_id is None,
        ),
        (
            said("user_send_group_text", oa="g1", oa_id="444"),
            events.GroupMessage,
            lambda e: (e.oa_id, e.user_id, e.kind) == ("444", "333", "text"),
        ),
        (
            managed(
                "user_feedback",
                message={"msg_id": "z1", "rate": 5, "note": "tốt", "feedbacks": ["nhanh"], "tracking_id": "t"},
            ),
            events.FeedbackGiven,
            lambda e: e.message.stars == 5 and e.message.feedbacks == ("nhanh",),
        ),
        (
            managed("user_click_response_button", msg_id="z1", message={"button_type": "response", "data": "YES"}),
            events.ButtonAnswered,
            lambda e: (e.msg_id, e.message.data) == ("z1", "YES"),
        ),
        (
            managed(
                "change_template_status",
                template_id=12345,
                status={"prev_status": "PENDING_REVIEW", "new_status": "ENABLE"},
            ),
            events.TemplateChanged,
            lambda e: e.template_id == "12345" and e.change.after == "ENABLE",
        ),
        (
            body(
                event_name="change_oa_daily_quota",
                oaId="444",
                quota={"prev_value": "500", "new_value": 2000},
                timestamp=TIME,
            ),
            events.OaAllowanceChanged,
            lambda e: e.oa_id == "444" and (e.quota.before, e.quota.after) == ("500", "2000"),
        ),
        (managed("event_journey_time_out"), events.JourneyEvent, lambda e: e.oa_id == "444"),
        (managed("permission_revoked"), events.AppEvent, lambda e: e.grant_revoked),
        (managed("shop_has_order"), events.ShopOrder, lambda e: True),
        (managed("never_heard_of"), events.Unknown, lambda e: e.event_name == "never_heard_of" and e.problem is None),
    ],
    ids=lambda value: getattr(value, "__name__", "") if isinstance(value, type) else "",
)
def test_every_kind_of_event_is_read(raw, kind, check):
    event = decode(raw)
    assert type(event) is kind, getattr(event, "problem", None)
    assert check(event)


CATALOGUE_NAMES = """
user_send_text user_send_image user_send_gif user_send_link user_send_audio user_send_video user_send_sticker
user_send_location user_send_file user_send_business_card oa_send_text oa_send_image oa_send_gif oa_send_list
oa_send_file oa_send_sticker oa_send_template anonymous_send_text anonymous_send_image anonymous_send_file
anonymous_send_sticker oa_send_anonymous_text oa_send_anonymous_image oa_send_anonymous_file oa_send_anonymous_sticker
user_received_message user_seen_message user_reacted_message oa_reacted_message follow unfollow user_click_chatnow
user_submit_info update_user_info add_user_to_tag remove_user_from_tag remove_tag user_withdraw oa_send_consent
user_reply_consent user_call_oa oa_call_user shop_has_order create_group user_join_group user_request_join_group
react_request_join_group_accept react_request_join_group_reject accept_request_join_group reject_request_join_group
add_group_admin remove_group_admin update_group_info user_out_group user_leave_group delete_group disperse_group
user_feedback user_click_response_button change_oa_daily_quota change_oa_template_tags change_template_quality
change_template_quota change_template_status event_journey_time_out event_journey_acknowledged permission_revoked
extension_purchased widget_interaction_accepted widget_failed_to_sync_user_external_id
"""
CATALOGUE = CATALOGUE_NAMES.split()


def test_every_event_name_of_the_catalogue_has_a_struct():
    assert set(CATALOGUE) <= set(BY_NAME)


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
    ],
    ids=range(16),
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


def test_no_repr_shows_a_citizens_words_or_number():
    raws = [
        said(message={"msg_id": "m", "text": "số tôi 0912345678"}),
        body(event_name="user_submit_info", sender={"id": "3"}, info={"phone": "0912345678", "name": "Lan"}),
        attachment("business_card", description='{"phone":"0912345678"}'),
        managed("add_user_to_tag", tag={"name": "vip", "user_ids": ["0912345678"]}),
    ]
    for raw in raws:
        event = decode(raw)
        for shown in (
            repr(event),
            repr(getattr(event, "message", "")),
            repr(getattr(event, "info", "")),
            repr(peek(raw)),
        ):
            assert "0912345678" not in shown
            assert "Lan" not in shown
        assert type(event) is not events.Unknown


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
