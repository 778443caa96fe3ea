"""Floods: calm, a bound on answers, and no real question without a word or an answer."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from govchat.conversation import events, flood, payloads
from govchat.conversation.asks import Forget, LookUp, OptOut
from govchat.conversation.context import Context
from govchat.conversation.replay_tenants import TENANTS
from govchat.conversation.say import Outcome, Tap
from govchat.conversation.state import FRESH, State, dump, load
from govchat.conversation.step import step

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
CODE = "H19.12-261103-0007"
QUESTION = "khai sinh cần giấy tờ gì"


def at(seconds: float) -> Context:
    return Context(NOW + timedelta(seconds=seconds), TENANTS["dong-nai"])


def said(outcome: Outcome) -> str:
    return outcome.say[0].text if outcome.say else ""


def flooded(*last: str) -> State:
    """After as many questions in one second as are answered, one too many, and these."""
    state = FRESH
    for text in (*[QUESTION] * flood.QUESTIONS, QUESTION, *last):
        state = load(dump(step(state, events.Text(text), at(0)).state))
    return state


def test_forty_questions_at_once_are_answered_and_the_next_is_told_to_wait() -> None:
    state, answers = FRESH, []
    for _ in range(flood.QUESTIONS + 20):
        outcome = step(state, events.Text(QUESTION), at(0))
        answers.append(said(outcome))
        state = outcome.state
    assert all("Đăng ký khai sinh" in each for each in answers[: flood.QUESTIONS])
    assert "giữ lại" in answers[flood.QUESTIONS]
    assert not any(answers[flood.QUESTIONS + 1 :])


def test_a_question_after_the_line_is_answered_two_seconds_later() -> None:
    outcome = step(flooded(), events.Text("kết hôn phí bao nhiêu"), at(flood.REFILL_S))
    assert "Đăng ký kết hôn" in said(outcome)


def test_the_question_put_last_is_answered_with_whatever_is_answered_next() -> None:
    state = flooded("kết hôn phí bao nhiêu")
    outcome = step(state, events.Text("alo ad ơi"), at(5))
    assert "Đăng ký kết hôn" in said(outcome)
    assert outcome.state.missed is None
    again = step(outcome.state, events.Text("hồ sơ gồm gì"), at(12))
    assert "Việc anh/chị hỏi thêm" not in said(again)


def test_the_button_of_the_line_asks_the_kept_question_again() -> None:
    state = flooded(f"tra cứu {CODE}")
    outcome = step(state, events.Tapped(payloads.AGAIN), at(3))
    assert outcome.ask == LookUp((CODE,))
    assert outcome.state.missed is None


def test_the_line_offers_that_button_and_is_said_again_a_minute_later() -> None:
    state = FRESH
    for _ in range(flood.QUESTIONS):
        state = step(state, events.Text(QUESTION), at(0)).state
    line = step(state, events.Text(QUESTION), at(0))
    (button,) = line.say[0].buttons
    assert button == Tap(button.title, payloads.AGAIN)
    assert not step(line.state, events.Text(QUESTION), at(1)).say
    later = line.state
    for second in range(2, 61):  # a machine that never stops: half of what it asks is answered
        for _ in range(3):
            later = step(later, events.Text(QUESTION), at(second)).state
    assert later.load <= flood.QUESTIONS


def test_nothing_of_the_words_is_kept_with_the_question() -> None:
    state = flooded("tôi là Nguyễn Thị Riêng, kết hôn phí bao nhiêu")
    assert "Riêng" not in str(dump(state))


def test_a_withdrawal_and_what_may_not_be_kept_never_wait() -> None:
    state = flooded()
    assert step(state, events.Text("dừng"), at(0)).ask == OptOut()
    assert step(state, events.Text("tôi tố cáo cán bộ nhận hối lộ"), at(0)).ask == Forget("denunciation")


def test_chatter_gets_one_calm_line_and_a_question_between_is_answered() -> None:
    state, answers = FRESH, []
    for _ in range(30):
        outcome = step(state, events.Text("hihi"), at(0))
        answers.append(said(outcome))
        state = outcome.state
    assert sum("nhắn khá nhiều" in each for each in answers) == 1
    assert not any(answers[flood.CHATTER + 1 :])
    assert "Đăng ký khai sinh" in said(step(state, events.Text(QUESTION), at(1)))


@given(
    st.lists(
        st.tuples(st.sampled_from([QUESTION, CODE, "alo", "dm", "bản đồ", "???"]), st.integers(0, 3)), max_size=120
    )
)
def test_no_sender_gets_more_answers_than_the_bucket_holds(sequence: list[tuple[str, int]]) -> None:
    state, seconds, answers = FRESH, 0, 0
    for text, pause in sequence:
        seconds += pause
        outcome = step(state, events.Text(text), at(seconds))
        answers += bool(outcome.say or outcome.ask)
        state = load(dump(outcome.state))
        # two lines a minute at most come on top: that it is too fast, and that it is much
        assert answers <= flood.QUESTIONS + seconds / flood.REFILL_S + 2 * (1 + seconds / flood.WINDOW_S) + 1
