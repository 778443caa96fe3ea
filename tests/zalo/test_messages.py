"""What Zalo would refuse is refused here, by name; what is built has Zalo's shape and survives the outbox."""

import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.zalo import messages as m
from govchat.zalo import templates
from govchat.zalo.errors import MessageInvalid
from govchat.zalo.split import split

UPLOAD = "file-token"


def wire(message):
    return msgspec.json.decode(m.encode(message))


def test_a_text_has_zalos_shape():
    assert wire(m.text("333", "Xin chào")) == {"recipient": {"user_id": "333"}, "message": {"text": "Xin chào"}}


def test_a_quote_and_buttons_have_zalos_shape():
    buttons = [
        m.query("Tra cứu", "#TRACUU"),
        m.query("Ẩn", "#AN", hidden=True),
        m.open_url("Cổng", "https://dichvucong.gov.vn/x?y=1"),
        m.open_phone("Gọi", "1022"),
        m.open_sms("Nhắn", "0912 345 678", "TC H19"),
    ]
    body = wire(m.text("333", "Chọn", buttons, quote_message_id="m1"))["message"]
    assert body["quote_message_id"] == "m1"
    assert body["attachment"] == {
        "type": "template",
        "payload": {
            "buttons": [
                {"title": "Tra cứu", "type": "oa.query.show", "payload": "#TRACUU"},
                {"title": "Ẩn", "type": "oa.query.hide", "payload": "#AN"},
                {"title": "Cổng", "type": "oa.open.url", "payload": {"url": "https://dichvucong.gov.vn/x?y=1"}},
                {"title": "Gọi", "type": "oa.open.phone", "payload": {"phone_code": "1022"}},
                {"title": "Nhắn", "type": "oa.open.sms", "payload": {"content": "TC H19", "phone_code": "84912345678"}},
            ]
        },
    }


def test_a_form_a_picture_a_file_and_a_list_have_zalos_shape():
    def payload(message):
        return wire(message)["message"]["attachment"]["payload"]

    assert payload(m.request_info("3", "Xin thông tin", "Để gửi kết quả", "https://a.vn/a.png")) == {
        "template_type": "request_user_info",
        "elements": [{"title": "Xin thông tin", "subtitle": "Để gửi kết quả", "image_url": "https://a.vn/a.png"}],
    }
    picture = m.image("3", url="https://a.vn/a.png", text="Sơ đồ")
    assert wire(picture)["message"]["text"] == picture.plain_text == "Sơ đồ"
    assert payload(picture) == {
        "template_type": "media",
        "elements": [{"media_type": "image", "url": "https://a.vn/a.png"}],
    }
    assert payload(m.gif("3", 10, 20, attachment_id="g")) == {
        "template_type": "media",
        "elements": [{"media_type": "gif", "attachment_id": "g", "width": 10, "height": 20}],
    }
    assert payload(m.sticker("3", "s1"))["elements"] == [{"media_type": "sticker", "attachment_id": "s1"}]
    assert wire(m.file("3", UPLOAD))["message"] == {"attachment": {"type": "file", "payload": {"token": UPLOAD}}}
    lines = [
        m.element("Đất đai", "12 thủ tục", action=m.query("x", "#DD")),
        m.element("Cổng", action=m.open_url("x", "https://a.vn")),
    ]
    assert payload(m.list_("3", lines)) == {
        "template_type": "list",
        "elements": [
            {
                "title": "Đất đai",
                "subtitle": "12 thủ tục",
                "default_action": {"type": "oa.query.show", "payload": "#DD"},
            },
            {"title": "Cổng", "default_action": {"type": "oa.open.url", "url": "https://a.vn"}},
        ],
    }


def test_exactly_the_limit_passes_and_one_more_does_not():
    assert m.text("3", "a" * 2000).plain_text == "a" * 2000
    assert len(m.text("3", "a", [m.query("t", "p")] * 5).buttons) == 5
    m.query("t" * 100, "p" * 1000)
    for build in (
        lambda: m.text("3", "a" * 2001),
        lambda: m.text("3", "a", [m.query("t", "p")] * 6),
        lambda: m.query("t" * 101, "p"),
        lambda: m.query("t", "p" * 1001),
        lambda: m.list_("3", [m.element("t")] * 5),
    ):
        with pytest.raises(MessageInvalid) as refused:
            build()
        assert refused.value.length == refused.value.limit + 1
        assert str(refused.value.limit) in str(refused.value)
        assert str(refused.value).startswith(refused.value.field)


def test_decomposed_text_is_composed_before_it_is_counted_and_sent():
    sent = m.text("3", unicodedata.normalize("NFD", "ế" * 2000)).plain_text
    assert sent == "ế" * 2000


@pytest.mark.parametrize(
    ("field", "build"),
    [
        ("text", lambda: m.text("3", " \n ")),
        ("text", lambda: m.texts("3", "")),
        ("text", lambda: m.text("3", "\ud800")),
        ("text", lambda: m.texts("3", "a\udc00")),
        ("user_id", lambda: m.text("", "a")),
        ("user_id", lambda: m.text("1 2", "a")),
        ("user_id", lambda: m.text("1" * 129, "a")),
        ("quote_message_id", lambda: m.text("3", "a", quote_message_id="")),
        ("button title", lambda: m.query("", "p")),
        ("button payload", lambda: m.query("t", "")),
        ("button url", lambda: m.open_url("t", "http://a.vn")),
        ("button url", lambda: m.open_url("t", "http://127.0.0.1/x")),
        ("button url", lambda: m.open_url("t", "http://a.vn", allow_insecure=True)),
        ("button url", lambda: m.open_url("t", "javascript:alert(1)")),
        ("button url", lambda: m.open_url("t", "https://")),
        ("button url", lambda: m.open_url("t", "https://[bad")),
        ("button url", lambda: m.open_url("t", "https://me:pw@a.vn")),
        ("button url", lambda: m.open_url("t", "https://a.vn/a b")),
        ("button url", lambda: m.open_url("t", "https://a.vn/" + "a" * 2000)),
        ("button phone", lambda: m.open_phone("t", "gọi tôi")),
        ("button phone", lambda: m.open_phone("t", "091")),
        ("image", lambda: m.image("3")),
        ("image", lambda: m.image("3", url="https://a.vn", attachment_id="x")),
        ("attachment_id", lambda: m.image("3", attachment_id="")),
        ("width", lambda: m.gif("3", 0, 1, attachment_id="x")),
        ("token", lambda: m.file("3", "")),
        ("elements", lambda: m.list_("3", [])),
        ("element action", lambda: m.element("t", action=m.open_phone("t", "1022"))),
    ],
)
def test_a_bad_part_is_refused_by_its_name(field, build):
    with pytest.raises(MessageInvalid) as refused:
        build()
    assert refused.value.field == field


def test_http_is_for_this_machine_and_for_callers_who_ask():
    assert m.open_url("t", "http://127.0.0.1:8000/q/1", allow_insecure=True).payload.url == "http://127.0.0.1:8000/q/1"
    assert m.image("3", url="http://localhost:8000/a.png", allow_insecure=True).user_id == "3"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("0912345678", "84912345678"),
        ("+84 912.345.678", "84912345678"),
        ("0251-3822-501", "842513822501"),
        ("113", "113"),
    ],
)
def test_telephone_numbers_become_what_zalo_dials(given, sent):
    assert m.open_phone("Gọi", given).payload.phone_code == sent


def test_a_long_text_becomes_several_messages_with_the_buttons_on_the_last_and_the_quote_on_the_first():
    parts = m.texts("3", "Một câu vừa phải. " * 300, [m.query("Tiếp", "#T")], quote_message_id="m1")
    assert len(parts) > 2
    assert [len(part.buttons) for part in parts] == [0] * (len(parts) - 1) + [1]
    assert [part.message.quote_message_id for part in parts] == ["m1"] + [None] * (len(parts) - 1)
    assert all(len(part.plain_text) <= 2000 for part in parts)


def test_a_message_tells_nothing_of_the_citizen_in_logs():
    shown = repr(m.text("3334445556667", "Hồ sơ của bà Lan", [m.open_phone("Gọi", "0912345678")]))
    assert shown == "<CsMessage of 16 characters, 1 buttons>"


@given(
    words=st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=50),
    titles=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=20), max_size=5),
)
def test_every_message_comes_back_from_the_outbox_as_it_went_in(words, titles):
    message = m.text("3", words, [m.query(title, words) for title in titles])
    assert m.decode(m.encode(message)) == message
    for other in (m.image("3", url="https://a.vn/a.png", text=words), m.file("3", UPLOAD), m.sticker("3", "s")):
        assert m.decode(m.encode(other)) == other


@given(text=st.text(st.characters(), max_size=300))
def test_any_text_is_either_sent_or_refused_by_name(text):
    if not split(text) or any("\ud800" <= char <= "\udfff" for char in text):
        with pytest.raises(MessageInvalid, match="text"):
            m.texts("3", text)
    else:
        assert all(m.decode(m.encode(part)) == part for part in m.texts("3", text))


def test_templates_have_zalos_shape():
    data = {"ho_ten": "  Lan ", "ma": "H19"}
    kept = {"ho_ten": "Lan", "ma": "H19"}
    assert msgspec.to_builtins(templates.by_uid("3", "12345", data)) == {
        "user_id": "3",
        "template_id": "12345",
        "template_data": kept,
    }
    by_phone = templates.by_phone("0912 345 678", "12345", data, "t" * 48)
    assert msgspec.to_builtins(by_phone) == {
        "phone": "84912345678",
        "template_id": "12345",
        "template_data": kept,
        "tracking_id": "t" * 48,
    }
    rehearsal = templates.by_phone("0912345678", "12345", data, "t", development=True, sending_mode="3")
    assert (rehearsal.mode, rehearsal.sending_mode) == ("development", "3")
    assert "912" not in repr(by_phone)


@pytest.mark.parametrize(
    ("field", "build"),
    [
        ("tracking_id", lambda: templates.by_phone("0912345678", "1", {"a": "b"}, "t" * 49)),
        ("tracking_id", lambda: templates.by_phone("0912345678", "1", {"a": "b"}, "")),
        ("phone", lambda: templates.by_phone("1022", "1", {"a": "b"}, "t")),
        ("template_data", lambda: templates.by_uid("3", "1", {})),
        ("template_data.a", lambda: templates.by_uid("3", "1", {"a": "\ud800"})),
        ("template_id", lambda: templates.by_uid("3", "", {"a": "b"})),
    ],
)
def test_a_bad_template_message_is_refused_by_its_name(field, build):
    with pytest.raises(MessageInvalid) as refused:
        build()
    assert refused.value.field == field
