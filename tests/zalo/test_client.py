"""Calls arrive at Zalo as it wants them; whatever comes back, or doesn't, becomes a struct or a named error."""

import asyncio
import json
import socket
from datetime import UTC, date, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from govchat.kit import clock
from govchat.zalo import errors, messages, templates
from govchat.zalo.client import ZaloClient
from govchat.zalo.codes import Host
from govchat.zalo.errors import Kind, MessageInvalid, ZaloError
from govchat.zalo.exchange import REPLY_LIMIT, Reply, exchange, read_envelope

ACCESS = "an-access-token-of-thirty-and-more-characters"
SENT = {"data": {"message_id": "m1", "user_id": "333", "sent_time": "1763770000000"}, "error": 0, "message": "Success"}
HELLO = messages.text("333", "Xin chào", [messages.query("Menu", "#MENU")])


async def test_a_message_arrives_with_the_token_in_its_header_and_is_answered(stand, client):
    stand.says(
        SENT | {"data": SENT["data"] | {"quota": {"quota_type": "reply", "remain": 8, "total": "8"}}},
        headers={"X-RateLimit-Limit": "100", "X-RateLimit-Remain": "99"},
    )
    sent = await client.send_cs(ACCESS, HELLO)
    assert (stand.last.method, stand.last.path) == ("POST", "/v3.0/oa/message/cs")
    assert stand.last.headers["access_token"] == ACCESS
    assert stand.last.headers["Content-Type"] == "application/json"
    assert "Authorization" not in stand.last.headers
    assert stand.last.body == messages.encode(HELLO)
    assert (sent.message_id, sent.user_id) == ("m1", "333")
    assert sent.sent_at == datetime(2025, 11, 22, 0, 6, 40, tzinfo=UTC)
    assert (sent.quota.quota_type, sent.quota.remain) == ("reply", "8")
    assert (sent.rate.limit, sent.rate.remain) == (100, 99)


@pytest.mark.parametrize("quota", [None, [], "none", {"remain": []}])
async def test_a_missing_or_odd_quota_does_not_unsend_a_message(stand, client, quota):
    stand.says({"data": {"message_id": 17, "quota": quota}, "error": "0"})
    sent = await client.send_cs(ACCESS, HELLO)
    assert (sent.message_id, sent.user_id, sent.quota, sent.rate, sent.sent_at) == ("17", "333", None, None, None)


def refusal(code, message="refused"):
    return {"error": code, "message": message}


@pytest.mark.parametrize(
    ("body", "status", "headers", "raised", "expected"),
    [
        (refusal(-230), 200, {}, errors.WindowClosed, {"code": -230, "kind": Kind.permanent, "retryable": False}),
        (refusal("-216"), 200, {}, errors.AccessTokenInvalid, {"code": -216, "kind": Kind.auth}),
        (refusal(-216), 401, {}, errors.AccessTokenInvalid, {"code": -216, "http_status": 401}),
        (b"unauthorised", 401, {}, errors.AccessTokenInvalid, {"code": None, "http_status": 401, "retryable": True}),
        (
            refusal(-32, "OA limit"),
            200,
            {"Retry-After": "7"},
            errors.RateLimited,
            {"scope": "oa", "retry_after_s": 7.0},
        ),
        (b"", 429, {"Retry-After": "30"}, errors.RateLimited, {"code": None, "retry_after_s": 30.0, "retryable": True}),
        (refusal(429, "app limit"), 429, {}, errors.RateLimited, {"scope": "app", "retry_after_s": None}),
        (b"", 429, {"Retry-After": "-5"}, errors.RateLimited, {"retry_after_s": 0.0}),
        (b"", 429, {"Retry-After": "soon"}, errors.RateLimited, {"retry_after_s": None}),
        (b"", 429, {"Retry-After": "999999"}, errors.RateLimited, {"retry_after_s": 3600.0}),
        (refusal(-32), 503, {}, errors.RateLimited, {"http_status": 503}),
        (refusal(-9999), 200, {}, errors.UnknownZaloError, {"code": -9999, "retryable": False}),
        (refusal(-9999), 400, {}, errors.UnknownZaloError, {"code": -9999, "http_status": 400}),
        (refusal("broken"), 200, {}, errors.UnknownZaloError, {"code": None, "message": "broken refused"}),
        (refusal(-200), 200, {}, errors.SendFailed, {"uncertain": True, "kind": Kind.wait}),
        (b"<html>", 500, {}, errors.OutcomeUnknown, {"uncertain": True, "retryable": False, "http_status": 500}),
        (refusal(502, "Bad gateway"), 502, {}, errors.OutcomeUnknown, {"uncertain": True}),
        (SENT, 500, {}, errors.OutcomeUnknown, {"uncertain": True}),
        (b"<html>", 200, {}, errors.OutcomeUnknown, {"retryable": False}),
        (b"", 200, {}, errors.OutcomeUnknown, {"uncertain": True}),
        (b"[]", 200, {}, errors.OutcomeUnknown, {"uncertain": True}),
        (b"\xff", 200, {}, errors.OutcomeUnknown, {"uncertain": True}),
        ({}, 200, {}, errors.OutcomeUnknown, {"uncertain": True}),
        ({"error": 0, "data": {}}, 200, {}, errors.OutcomeUnknown, {"uncertain": True}),
        ({"error": 0, "data": "m1"}, 200, {}, errors.OutcomeUnknown, {"uncertain": True}),
        (b"x" * (REPLY_LIMIT + 1), 200, {}, errors.OutcomeUnknown, {"uncertain": True}),
        (b"", 408, {}, errors.OutcomeUnknown, {"uncertain": True}),
        (b"not here", 404, {}, errors.HttpRefused, {"kind": Kind.human, "retryable": False, "http_status": 404}),
        (b"", 403, {}, errors.HttpRefused, {"http_status": 403}),
    ],
)
async def test_every_answer_that_is_no_success_is_named(stand, client, body, status, headers, raised, expected):
    stand.says(body, status=status, headers=headers)
    with pytest.raises(ZaloError) as caught:
        await client.send_cs(ACCESS, HELLO)
    assert type(caught.value) is raised
    assert {name: getattr(caught.value, name) for name in expected} == expected
    assert len(stand.seen) == 1, "a call is never repeated by the client"


async def test_a_redirect_is_refused_and_the_token_goes_nowhere_else(stand, client):
    stand.says(b"", status=302, headers={"Location": f"{stand.url}/elsewhere"})
    with pytest.raises(errors.HttpRefused):
        await client.send_cs(ACCESS, HELLO)
    assert [seen.path for seen in stand.seen] == ["/v3.0/oa/message/cs"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_a_connection_that_never_came_about_may_be_tried_again(http):
    nowhere = f"http://127.0.0.1:{free_port()}"
    client = ZaloClient(http, openapi_url=nowhere, oauth_url=nowhere, business_url=nowhere)
    with pytest.raises(errors.ConnectFailed) as caught:
        await client.send_cs(ACCESS, HELLO)
    assert (caught.value.retryable, caught.value.uncertain, caught.value.kind) == (True, False, Kind.wait)


async def _hang_up(request: web.Request) -> web.StreamResponse:
    request.transport.abort()
    return web.Response()


async def _break_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"error":0')
    request.transport.close()
    return response


@pytest.mark.parametrize("answer", [_hang_up, _break_off])
async def test_a_send_whose_answer_is_lost_is_uncertain_and_a_read_may_be_repeated(stand, client, answer):
    stand.answer = answer
    with pytest.raises(errors.OutcomeUnknown) as send:
        await client.send_cs(ACCESS, HELLO)
    assert (send.value.retryable, send.value.uncertain) == (False, True)
    for read in (client.get_oa(ACCESS), client.recent_chats(ACCESS), client.upload_image(ACCESS, "a.png", b"x")):
        with pytest.raises(errors.OutcomeUnknown) as caught:
            await read
        assert (caught.value.retryable, caught.value.uncertain) == (True, False)


async def test_an_answer_that_does_not_come_in_time_is_uncertain(stand, http):
    released = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response()

    stand.answer = hang
    with pytest.raises(errors.OutcomeUnknown) as caught:
        await exchange(http, "POST", stand.url, headers={}, content=b"{}", total_s=0.2)
    assert caught.value.message == "TimeoutError"
    released.set()


async def test_a_session_that_raises_for_status_makes_no_difference(stand):
    stand.says(refusal(-216), status=401)
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        client = ZaloClient(http, openapi_url=stand.url, oauth_url=stand.url, business_url=stand.url)
        with pytest.raises(errors.AccessTokenInvalid):
            await client.send_cs(ACCESS, HELLO)


@pytest.mark.parametrize("stored", ["", "a\nb: c", "mã"])
async def test_a_token_that_can_be_none_is_not_sent(stand, client, stored):
    with pytest.raises(errors.AccessTokenInvalid):
        await client.send_cs(stored, HELLO)
    assert stand.seen == []


async def test_neither_token_nor_number_is_in_what_is_logged_of_a_failure(stand, client):
    short = "tok-77"
    stand.says(refusal(-201, f"invalid access_token {short}, phone 0912345678"))
    with pytest.raises(errors.PayloadRefused) as caught:
        await client.send_cs(short, HELLO)
    shown = f"{caught.value!s} {caught.value!r} {caught.value.message}"
    assert short not in shown
    assert "0912345678" not in shown
    assert caught.value.__cause__ is None


async def test_templates_go_to_their_hosts_in_both_shapes(stand, client):
    stand.says(SENT)
    by_uid = templates.by_uid("333", "12345", {"ma": "H19"})
    assert (await client.send_template_by_uid(ACCESS, by_uid)).message_id == "m1"
    assert stand.last.path == "/v3.0/oa/message/template"
    assert stand.last.json == {"user_id": "333", "template_id": "12345", "template_data": {"ma": "H19"}}
    await client.send_template_by_uid(ACCESS, by_uid, nest_recipient=True)
    assert stand.last.json == {"recipient": {"user_id": "333"}, "template_id": "12345", "template_data": {"ma": "H19"}}
    stand.says(
        {
            "error": 0,
            "data": {
                "msg_id": "z1",
                "sent_time": "1763770000000",
                "sending_mode": 1,
                "quota": {"dailyQuota": "500", "remainingQuota": 499},
            },
        }
    )
    sent = await client.send_template(ACCESS, templates.by_phone("0912345678", "12345", {"ma": "H19"}, "t1"))
    assert stand.last.path == "/business/message/template"
    assert stand.last.json["phone"] == "84912345678"
    assert (sent.message_id, sent.sending_mode, sent.daily_quota, sent.remaining_quota) == ("z1", "1", 500, 499)


async def test_the_template_host_has_its_own_table(stand, client):
    stand.says(refusal(-118))
    with pytest.raises(errors.RecipientUnreachable) as caught:
        await client.send_template(ACCESS, templates.by_phone("0912345678", "12345", {"ma": "H19"}, "t1"))
    assert caught.value.name == "no_zalo_account"


async def test_an_oa_is_read(stand, client):
    stand.says(
        {
            "error": 0,
            "data": {
                "oaid": 444,
                "name": "Đồng Nai",
                "is_verified": "true",
                "oa_type": "4",
                "num_follower": 12,
                "linked_ZCA": "z",
            },
        }
    )
    profile = await client.get_oa(ACCESS)
    assert (stand.last.method, stand.last.path, stand.last.query) == ("GET", "/v2.0/oa/getoa", {})
    assert (profile.oa_id, profile.name, profile.is_verified, profile.oa_type, profile.num_follower) == (
        "444",
        "Đồng Nai",
        True,
        4,
        12,
    )
    stand.says({"error": 0, "data": {}})
    with pytest.raises(errors.OutcomeUnknown) as caught:
        await client.get_oa(ACCESS)
    assert caught.value.retryable


async def test_a_citizen_is_read_as_far_as_told(stand, client):
    stand.says(
        {
            "error": 0,
            "data": {
                "user_id": "333",
                "display_name": "Lan",
                "user_is_follower": True,
                "is_sensitive": 0,
                "user_last_interaction_date": "21/11/2026",
                "tags_and_notes_info": {"tag_names": ["vip", 7, None], "notes": []},
                "shared_info": {"phone": 84912345678},
            },
        }
    )
    user = await client.user_detail(ACCESS, "333")
    assert stand.last.path == "/v3.0/oa/user/detail"
    assert json.loads(stand.last.query["data"]) == {"user_id": "333"}
    assert (user.display_name, user.is_follower, user.is_sensitive, user.tags) == ("Lan", True, False, ("vip", "7"))
    assert user.last_interaction_on == date(2026, 11, 21)
    assert user.shared.phone == "84912345678"
    assert "Lan" not in repr(user)
    assert "84912345678" not in repr(user.shared)
    stand.says(
        {
            "error": 0,
            "data": {
                "user_last_interaction_date": "31/02/2026",
                "shared_info": {"phone": []},
                "tags_and_notes_info": 1,
            },
        }
    )
    bare = await client.user_detail(ACCESS, "333")
    assert (bare.user_id, bare.last_interaction_on, bare.shared, bare.tags) == ("333", None, None, ())


async def test_chats_are_read_and_lines_without_an_id_left_out(stand, client):
    lines = [
        {
            "src": 1,
            "message_id": "a",
            "time": 1763770000000,
            "type": "text",
            "message": "chào",
            "from_id": "333",
            "to_id": "444",
        },
        {"src": "0", "message_id": "b", "time": "odd", "type": "text", "message": "vâng"},
        {"src": 0, "message": "nameless"},
        "rubbish",
    ]
    stand.says({"error": 0, "data": lines})
    first, second = await client.conversation(ACCESS, "333", offset=10, count=5)
    assert stand.last.path == "/v2.0/oa/conversation"
    assert json.loads(stand.last.query["data"]) == {"user_id": "333", "offset": 10, "count": 5}
    assert (first.message_id, first.src_from_user, first.text, first.from_id, first.to_id) == (
        "a",
        True,
        "chào",
        "333",
        "444",
    )
    assert first.time == datetime(2025, 11, 22, 0, 6, 40, tzinfo=UTC)
    assert (second.src_from_user, second.time, second.text) == (False, None, "vâng")
    assert "chào" not in repr(first)
    stand.says({"error": 0, "data": None})
    assert await client.recent_chats(ACCESS) == []
    assert json.loads(stand.last.query["data"]) == {"offset": 0, "count": 10}
    for offset, count in ((0, 11), (0, 0), (-1, 1)):
        with pytest.raises(MessageInvalid):
            await client.recent_chats(ACCESS, offset, count)


@pytest.mark.parametrize(
    ("kind", "name", "content", "answer"),
    [
        ("image", "Sơ đồ.PNG", b"\x89PNG" + b"\0" * 100, {"attachment_id": "att"}),
        ("gif", "a.gif", b"GIF89a", {"attachment_id": "att"}),
        ("file", "don.pdf", b"%PDF-1.7", {"token": "att"}),
    ],
)
async def test_uploads_arrive_whole_and_last_seven_days(stand, client, kind, name, content, answer):
    stand.says({"error": 0, "data": answer})
    uploaded = await getattr(client, f"upload_{kind}")(ACCESS, name, content)
    assert stand.last.path == f"/v2.0/oa/upload/{kind}"
    assert stand.last.headers["Content-Type"].startswith("multipart/form-data")
    assert content in stand.last.body
    assert b'name="file"; filename="upload.' in stand.last.body
    assert uploaded.id == "att"
    assert timedelta(days=6, hours=23) < uploaded.expires_at - clock.now() <= timedelta(days=7)
    stand.says({"error": 0, "data": {}})
    with pytest.raises(errors.OutcomeUnknown):
        await getattr(client, f"upload_{kind}")(ACCESS, name, content)


@pytest.mark.parametrize(
    ("kind", "name", "content", "field"),
    [
        ("image", "a.gif", b"x", "filename"),
        ("image", "png", b"x", "filename"),
        ("image", "a.png", b"", "content"),
        ("image", "a.png", b"x" * (1024 * 1024 + 1), "content"),
        ("gif", "a.png", b"x", "filename"),
        ("file", "a.exe", b"x", "filename"),
        ("file", "a.pdf", b"x" * (5 * 1024 * 1024 + 1), "content"),
    ],
)
async def test_what_zalo_would_not_store_is_not_uploaded(stand, client, kind, name, content, field):
    with pytest.raises(MessageInvalid) as refused:
        await getattr(client, f"upload_{kind}")(ACCESS, name, content)
    assert refused.value.field == field
    assert stand.seen == []


def test_a_retry_date_is_counted_from_now():
    later = (clock.now() + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert 85 <= Reply(429, {"Retry-After": later}, b"").retry_after_s <= 90


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    status=st.integers(200, 599),
    body=st.binary(max_size=80)
    | st.dictionaries(
        st.sampled_from(["error", "message", "data", "error_name"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=10)
        | st.lists(st.integers(), max_size=2)
        | st.just({}),
    ).map(lambda d: json.dumps(d).encode()),
    retry=st.text(max_size=12),
)
def test_any_answer_is_data_or_a_zalo_error(status, body, retry):
    try:
        read_envelope(Reply(status, {"Retry-After": retry}, body), Host.oa, (ACCESS,))
    except ZaloError:
        return
    assert status < 300
