"""Two wishes in one message: both served, nothing invented, nothing protected let through."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.conversation import asks, events
from govchat.conversation.context import Context
from govchat.conversation.replay_tenants import TENANTS
from govchat.conversation.say import MOST_BUTTONS, Outcome, Tap
from govchat.conversation.state import FRESH, Also, State
from govchat.conversation.step import step
from govchat.conversation.wishes import parts
from govchat.dossiers.codes import find_codes

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
CONTEXT = Context(NOW, TENANTS["dong-nai"])
CODE = "H19.12-261103-0007"

# Wishes as people put them, each with the payload that stands for it.
WISHES = {
    "phí đăng ký khai sinh bao nhiêu": "#procedure 1.001193",
    "thứ 7 có làm việc không": "#contact",
    "tôi muốn phản ánh đường hư": "#petition",
    "cho tôi gặp cán bộ": "#person",
    "nộp phí ở đâu": "#payment",
    "kết quả gửi qua bưu điện được không": "#result",
    "đăng ký nhận thông báo hồ sơ": "#subscribe",
    "liên kết số điện thoại": "#link",
    "xóa dữ liệu của tôi": "#data erase",
    "quét mã qr ở đâu": "#scan",
}
# What each wish looks like when it is the one that is answered.
ANSWERED = {
    "#procedure 1.001193": "Đăng ký khai sinh",
    "#contact": "Thứ bảy 28/11/2026",
    "#petition": "loại nào",
    "#person": "Person",
    "#payment": "không thu tiền qua tin nhắn",
    "#result": "giấy hẹn",
    "#subscribe": "Subscribe",
    "#link": "chia sẻ số điện thoại",
    "#data erase": "quyền xem",
    "#scan": "chụp mã QR",
}


def answer(text: str, state: State = FRESH) -> tuple[str, list[str]]:
    """What is said (or asked to be done) and offered in the end."""
    outcome = step(state, events.Text(text), CONTEXT)
    did = ""
    if outcome.ask is not None:
        did = type(outcome.ask).__name__
        outcome = step(outcome.state, _done(outcome.ask), CONTEXT)
    (one,) = outcome.say
    return f"{did} {one.text}", [each.payload for each in one.buttons if isinstance(each, Tap)]


def _done(ask: asks.Ask) -> events.Answer:
    match ask:
        case asks.LookUp(codes):
            return events.LookedUp(tuple(events.Shown(code=code, status=4, unit="Sở") for code in codes))
        case asks.Subscribe():
            return events.Subscribed(None)
        case asks.Forget(kind):
            return events.Forgotten(kind)
        case _:
            return events.Told("Dạ, đã nghe.")


@pytest.mark.parametrize("second", WISHES)
@pytest.mark.parametrize("first", WISHES)
@pytest.mark.parametrize("joint", [", với lại ", ". "])
def test_any_two_wishes_are_both_served(first: str, second: str, joint: str) -> None:
    if first == second:
        return
    text, offered = answer(f"{first}{joint}{second}")
    for wish in (first, second):
        payload = WISHES[wish]
        served = ANSWERED[payload] in text or any(each.startswith(payload) for each in offered)
        assert served, f"{wish}: {text} {offered}"
    assert len(offered) <= MOST_BUTTONS


def test_a_second_wish_waits_for_the_answer_to_the_first() -> None:
    outcome = step(FRESH, events.Text(f"{CODE} tới đâu rồi, với lại tôi muốn phản ánh đường hư"), CONTEXT)
    assert outcome.ask == asks.LookUp((CODE,))
    assert outcome.state.also == Also("#petition")
    told = step(outcome.state, events.LookedUp((events.Unknown(CODE),)), CONTEXT)
    assert "#petition" in [each.payload for each in told.say[0].buttons if isinstance(each, Tap)]
    assert told.state.also is None


def test_a_second_wish_that_never_got_its_answer_is_gone_with_the_next_message() -> None:
    outcome = step(FRESH, events.Text(f"{CODE} tới đâu rồi, với lại tôi muốn phản ánh đường hư"), CONTEXT)
    assert step(outcome.state, events.Text("cảm ơn"), CONTEXT).state.also is None


@pytest.mark.parametrize("beside", [*WISHES, f"hồ sơ {CODE} tới đâu rồi"])
def test_a_denunciation_beside_anything_is_forgotten(beside: str) -> None:
    for text in (f"{beside}, với lại tôi muốn tố cáo cán bộ nhận hối lộ", f"tôi tố cáo cán bộ nhận hối lộ. {beside}"):
        outcome: Outcome = step(FRESH, events.Text(text), CONTEXT)
        assert outcome.ask == asks.Forget("denunciation"), text


def test_a_denunciation_beside_the_words_of_a_petition_is_forgotten() -> None:
    writing = State(step="petition.awaiting_text", petition="scene", petition_at=CONTEXT.seconds, draft=CONTEXT.seconds)
    text = "đường vào ấp 5 hư cả tháng nay, tôi tố cáo chủ tịch xã nhận hối lộ"
    assert step(writing, events.Text(text), CONTEXT).ask == asks.Forget("denunciation")


@pytest.mark.parametrize(
    "text",
    [
        "cảm ơn em nhiều, thôi chào em nha",
        "alo, alo, alo",
        "dạ, vâng, được rồi",
        "rút lại đồng ý",
        "nhầm, ý mình là thường trú",
        "dạ chào ad, em ở xa, vợ em mới sinh bé, nhà neo người, giờ làm khai sinh cần gì",
    ],
)
def test_one_wish_is_not_made_two(text: str) -> None:
    assert "Việc anh/chị hỏi thêm" not in answer(text)[0]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (f"tra cứu {CODE}, phí khai sinh", [f"tra cứu {CODE},", "phí khai sinh"]),
        ("H19.12 261103 7 và thứ 7 làm không", ["H19.12 261103 7", "thứ 7 làm không"]),
        ("H19, 12, 261103, 7", ["H19, 12, 261103, 7"]),
        ("cần gì? bao lâu? ở đâu? ai làm? sao vậy?", ["cần gì? bao lâu? ở đâu? ai làm? sao vậy?"]),
        ("và", ["và"]),
        ("", []),
    ],
)
def test_a_message_is_cut_between_wishes_and_never_in_a_code(text: str, cut: list[str]) -> None:
    assert [each for each in parts(find_codes(text, CONTEXT.today)) if each] == cut


@given(st.text(max_size=500))
def test_no_text_is_too_strange_to_be_cut(text: str) -> None:
    found = find_codes(text, CONTEXT.today)
    assert len(parts(found)) <= 4
