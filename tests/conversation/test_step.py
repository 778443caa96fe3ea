"""Whatever happens in whatever order: a valid state, at most one answer, and no more said than was proven."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.conversation import events, payloads
from govchat.conversation.asks import LookUp
from govchat.conversation.context import Context, TenantFacts
from govchat.conversation.intents import Intent
from govchat.conversation.say import LONGEST_TITLE, MOST_BUTTONS, Outcome, Tap
from govchat.conversation.state import FRESH, MOST_CODES, Also, Aside, State, load
from govchat.conversation.step import TABLE, step
from govchat.conversation.turn import Heard
from govchat.files.keep import Kept

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
TENANT = TenantFacts(
    slug="dong-nai",
    name="Đồng Nai",
    full_name="Thành phố Đồng Nai",
    hotline="0251 1022",
    h_codes=frozenset({"H10", "H19"}),
    other_h_codes={"H26": "Thành phố Hà Nội"},
)
CONTEXT = Context(NOW, TENANT)
PHOTO = Kept(id=UUID(int=7), media_type="image/jpeg", size=1000, width=800, height=600, scan="none")
PERSONAL = events.Proven(
    procedure_name="Cấp phép XYZ", applicant_name="Nguyễn Thị Riêng", officer="Cán Bộ Kín", status_note="Ghi chú kín"
)

TYPED = [
    *payloads.HEARD,
    "#code H19.12-251103-0007",
    "tra cứu",
    "menu",
    "khai sinh cần gì",
    "còn phí?",
    "1",
    "4",
    "giấy phép con",
    "thủ tục hộ tịch",
    "hồ sơ tới đâu rồi, với lại kết hôn cần gì",
    "hủy nhận thông báo H19.12-251103-0007",
    "đăng ký nhận thông báo",
    "hồ sơ của tôi",
    "dừng",
    "thôi",
    "tố cáo cán bộ",
    "phản ánh",
    "tôi muốn phản ánh rác đổ đầy trước cổng chợ phường Long Bình cả tuần nay",
    "bỏ qua",
    "phường Trấn Biên",
    "Nguyễn Văn An",
    "tra cứu PA-K7PX2-M9QD8",
    "mở lại PA-K7PX2-M9QD8",
    "đánh giá H19.12-251103-0007",
    "thứ 7 có làm không",
    "H19.12-251103-0007",
    "H19.12-251103-0007 K7PX",
    "H19.1-251103-1 H19.1-251103-2 H19.1-251103-3 H19.1-251103-4 H26-251103-1 G01-251103-1 H19.1-271103-1",
    "K7PX",
    "251103-0007",
    "H19.12.7",
    "0912345678",
    "alo ad ơi",
    "{province} {0} %s",
    "phí khai sinh bao nhiêu, với lại thứ 7 có làm không",
    "H19.12-251103-0007 tới đâu rồi, với lại tôi muốn phản ánh đường hư",
    "đồng ý khảo sát",
    "ngừng khảo sát",
    "bản đồ",
    "bỏ ảnh",
    "\ud800\u202e\u0301\u0301",
]
TEXTS = st.one_of(st.text(max_size=80), st.sampled_from(TYPED))
TIMES = st.none() | st.datetimes(timezones=st.sampled_from([UTC]))
SHOWN = st.builds(
    events.Shown,
    code=st.text(max_size=90),
    status=st.integers(-5, 99),
    unit=st.text(max_size=40),
    received_at=TIMES,
    due_at=TIMES,
    changed_at=st.none() | st.datetimes(),
    proven=st.none()
    | st.builds(
        events.Proven,
        procedure_name=st.none() | st.text(),
        applicant_name=st.text(),
        officer=st.none() | st.text(),
        status_note=st.none() | st.text(),
        results=st.lists(
            st.builds(events.ResultItem, st.text(), st.sampled_from([None, "", "x", "https://a.vn/1"])), max_size=12
        ).map(tuple),
    ),
)
ANSWERS = st.one_of(
    SHOWN,
    st.builds(events.Unknown, st.text(max_size=90)),
    st.builds(events.Slowed, st.text(max_size=90), st.integers()),
)
ABOUT = [
    "",
    "H19.12-251103-0007",
    "H26-251103-1",
    "1.001193 fee",
    "1.001193",
    "9.999999",
    "birth 0",
    "land 99",
    "fields 1",
    "7",
    "-1",
    "skip PA-K7PX2-M9QD8",
    "done PA-K7PX2-M9QD8",
    "category PA-K7PX2-M9QD8 noise",
    "categories x",
    "scene",
    "00000000-0000-0000-0000-00000000000b H19.12-251103-0007 time 2",
]
ARGUMENTS = st.one_of(st.text(max_size=20), st.sampled_from(ABOUT))
TAPS = st.builds(
    lambda head, argument: f"{head} {argument}".strip(), st.sampled_from([*payloads.HEARD, "#gone"]), ARGUMENTS
)
WANTS = st.lists(st.sampled_from(["name", "photos", "commune", "category", "why"]), max_size=4).map(tuple)
HELD = st.builds(
    events.Held,
    photos=st.integers(0, 99),
    place=st.text(max_size=300),
    words_of=st.sampled_from(["", "01a202d0-9627-7916-88ee-3f01ca4b56c3"]),
    full=st.booleans(),
)
PETITIONED = st.builds(
    events.Petitioned,
    code=st.text(max_size=90),
    text=st.text(max_size=40),
    photos=st.integers(0, 9),
    has_place=st.booleans(),
    commune=st.text(max_size=60),
    category=st.text(max_size=60),
    wants=WANTS,
    is_photo=st.booleans(),
)
HAPPENED: list[events.Event] = [
    events.Place(),
    events.Sticker(),
    events.OtherMedia(),
    events.Followed(),
    events.Unfollowed(),
    events.OpenedChat(),
    events.GivenBack(),
    events.SharedContact(phone_known=True),
    events.SharedContact(phone_known=False),
    events.Forgotten("denunciation"),
    events.LookedUp(()),
    events.MyDossiers(()),
]
EVENTS = st.one_of(
    TEXTS.map(events.Text),
    TAPS.map(events.Tapped),
    st.builds(
        events.Picture,
        st.sampled_from(["unread", "dossier", "other_province", "person", "foreign", "nothing"]),
        st.lists(st.sampled_from(["H19.12-251103-0007", "H26-251103-1", "x"]), max_size=4).map(tuple),
        st.text(max_size=20),
        st.none() | st.just(PHOTO),
        st.sampled_from(["", "large", "type", "infected", "away", "x"]),
        st.text(max_size=60) | st.just("rác đổ đầy trước cổng chợ phường Long Bình"),
    ),
    st.builds(events.Place, st.none() | st.floats(-90, 90), st.none() | st.floats(-180, 180)),
    st.builds(
        events.Told,
        st.text(max_size=40),
        st.lists(st.builds(events.Button, st.text(max_size=120), st.just("#menu")), max_size=7).map(tuple),
    ),
    HELD,
    PETITIONED,
    st.builds(events.Forgotten, st.sampled_from(["complaint", "denunciation", "x"])),
    st.builds(events.Subscribed, st.none() | st.text(max_size=60), st.booleans()),
    st.builds(events.Unsubscribed, st.integers(0, 9), st.integers(0, 9)),
    st.builds(events.OptedOut, st.integers(0, 9)),
    st.lists(st.builds(events.Mine, st.text(max_size=60), st.integers(-5, 99), TIMES), max_size=10).map(
        lambda items: events.MyDossiers(tuple(items))
    ),
    *map(st.just, HAPPENED),
    st.lists(ANSWERS, max_size=5).map(lambda answers: events.LookedUp(tuple(answers))),
)


def sound(outcome: Outcome) -> None:
    """What holds of every outcome, whatever led to it."""
    assert len(outcome.say) <= 1
    assert not (outcome.say and outcome.ask)
    assert not isinstance(outcome.ask, LookUp) or 1 <= len(outcome.ask.codes) <= MOST_CODES
    assert load(msgspec.json.encode(outcome.state)) == outcome.state
    assert len(msgspec.json.encode(outcome.state)) < 3000
    for said in outcome.say:
        assert said.text.strip()
        assert len(said.buttons) <= MOST_BUTTONS
        assert all(0 < len(button.title) <= LONGEST_TITLE for button in said.buttons)
        assert all(button.payload.startswith("#") for button in said.buttons if isinstance(button, Tap))


@given(st.lists(st.tuples(EVENTS, st.integers(-100, 10**6)), min_size=4, max_size=16))
def test_any_sequence_of_events_leaves_a_valid_state_and_at_most_one_answer(
    sequence: list[tuple[events.Event, int]],
) -> None:
    state, now = State(), NOW
    for event, seconds in sequence:
        now += timedelta(seconds=seconds)
        outcome = step(state, event, Context(now, TENANT))
        assert outcome == step(state, event, Context(now, TENANT))
        sound(outcome)
        state = outcome.state


AT = CONTEXT.seconds
STOOD = {
    "new": FRESH,
    "awaiting a code": State(step="lookup.awaiting_code", misses=1),
    "awaiting a secret": State(step="lookup.awaiting_secret", codes=("H19.12-251103-0007",), awaiting_until=AT + 60),
    "a topic and choices": State(procedure="1.001193", field="fee", topic_at=AT, choices=("1.001193", "1.000894")),
    "writing a petition": State(
        step="petition.awaiting_text", petition="scene", petition_at=AT, draft=AT, held_photos=2
    ),
    "completing a petition": State(
        step="petition.adding", petition_code="PA-K7PX2-M9QD8", petition_at=AT, asked="commune"
    ),
    "two wishes": State(also=Also("#procedure 1.001193 fee", aloud=True), codes=("H19.12-251103-0007",)),
    "a flood": State(burst=60, burst_at=AT, load=40, load_at=AT, missed=Also("#code H19.12-251103-0007"), slowed_at=AT),
    "the longest": State(
        codes=("H19.12-251103-0007",) * 3,
        asides=(Aside("x" * 64, "H19", "over"),) * 6,
        misses=9,
        choices=("x" * 64,) * 4,
        skipped=("x" * 16,) * 6,
    ),
}


@pytest.mark.parametrize("where", STOOD)
def test_every_event_from_everywhere_is_answered_soundly(where: str) -> None:
    tapped = [f"{head} {about}".strip() for head in [*payloads.HEARD, "#gone"] for about in ABOUT]
    happened: list[events.Event] = [*HAPPENED, *map(events.Tapped, tapped), *map(events.Text, TYPED)]
    for event in happened:
        outcome = step(STOOD[where], event, CONTEXT)
        sound(outcome)
        assert outcome.say or outcome.ask or not isinstance(event, events.Tapped) or where == "a flood", event


@given(TEXTS, EVENTS, TEXTS)
def test_text_alone_never_brings_personal_facts_out(first: str, event: events.Event, last: str) -> None:
    state = State()
    for happened in (events.Text(first), event, events.Text(last)):
        outcome = step(state, happened, CONTEXT)
        if isinstance(outcome.ask, LookUp):
            answers = tuple(events.Shown(code=code, status=4, unit="Sở") for code in outcome.ask.codes)
            outcome = step(outcome.state, events.LookedUp(answers), CONTEXT)
            assert "Người nộp" not in outcome.say[0].text
        state = outcome.state


def tell(answer: events.DossierAnswer, state: State = FRESH) -> Outcome:
    return step(state, events.LookedUp((answer,)), CONTEXT)


def test_a_bare_dossier_tells_no_name_and_a_proven_one_tells_all() -> None:
    bare = tell(events.Shown(code="H19-251103-0007", status=4, unit="Sở Y tế")).say[0].text
    full = tell(events.Shown(code="H19-251103-0007", status=4, unit="Sở Y tế", proven=PERSONAL)).say[0].text
    for fact in ("Cấp phép XYZ", "Nguyễn Thị Riêng", "Cán Bộ Kín", "Ghi chú kín"):
        assert fact not in bare
        assert fact in full


@pytest.mark.parametrize("code", ["H19.1-251103-0001", "H10.1-251103-0001"])
def test_not_found_and_wrong_secret_are_the_same_words_and_the_same_state(code: str) -> None:
    asked = step(FRESH, events.Text(f"tra cứu {code} K7PX"), CONTEXT)
    assert asked.ask == LookUp((code,), "K7PX")
    said = tell(events.Unknown(code), asked.state)
    again = step(said.state, events.Text("K7PY"), CONTEXT)
    assert again.ask == LookUp((code,), "K7PY")
    assert tell(events.Unknown(code), again.state).say == said.say


@pytest.mark.parametrize(
    "text", ["H26.1-251103-0001", "H26.1-251103-0001 K7PX", "H26.1-271103-0001", "G01-251103-0001", "H99-251103-0001"]
)
def test_codes_of_others_are_never_looked_up(text: str) -> None:
    outcome = step(FRESH, events.Text(text), CONTEXT)
    assert outcome.ask is None
    assert outcome.state.codes == ()


def test_the_secret_is_not_kept_in_the_state() -> None:
    outcome = step(FRESH, events.Text("tra cứu H19.1-251103-0001 BIMAT77"), CONTEXT)
    assert isinstance(outcome.ask, LookUp)
    assert outcome.ask.secret == "BIMAT77"
    assert b"BIMAT77" not in msgspec.json.encode(outcome.state)


def test_several_codes_take_no_secret() -> None:
    outcome = step(FRESH, events.Text("H19.1-251103-0001 H19.1-251103-0002 K7PX"), CONTEXT)
    assert outcome.ask == LookUp(("H19.1-251103-0001", "H19.1-251103-0002"), None)


@pytest.mark.parametrize(
    ("due", "status", "says", "hides"),
    [
        (NOW - timedelta(days=3), 4, "quá hẹn 3 ngày", "tạm dừng"),
        (NOW - timedelta(hours=1), 2, "quá giờ hẹn", "ngày."),
        (NOW + timedelta(hours=1), 4, "Hẹn trả kết quả: 10:00 ngày 22/11/2026", "quá"),
        (NOW - timedelta(days=3), 5, "đang tạm dừng", "quá hẹn"),
        (NOW - timedelta(days=3), 9, "Đã xử lý xong", "quá hẹn"),
        (NOW - timedelta(days=3), 10, "Đã trả kết quả", "quá hẹn"),
        (NOW - timedelta(days=3), 3, "Không được tiếp nhận", "Hẹn trả"),
        (NOW, 42, "đang được cập nhật", "42"),
    ],
)
def test_lateness_is_told_only_where_the_clock_runs(due: datetime, status: int, says: str, hides: str) -> None:
    text = tell(events.Shown(code="H19-251103-0007", status=status, unit="Sở", due_at=due)).say[0].text.split("\n\n")[0]
    assert says in text
    assert hides not in text


@pytest.mark.parametrize(
    ("seconds", "says"), [(1, "1 phút"), (61, "2 phút"), (3600, "60 phút"), (7201, "3 giờ"), (-5, "1 phút")]
)
def test_a_slowed_citizen_is_told_how_long(seconds: int, says: str) -> None:
    assert says in tell(events.Slowed("H19-251103-0007", seconds)).say[0].text


def test_a_look_up_without_answers_is_said_to_have_failed() -> None:
    assert "thử lại" in step(FRESH, events.LookedUp(()), CONTEXT).say[0].text


def test_only_web_addresses_become_links() -> None:
    items = tuple(
        events.ResultItem("Tệp", url) for url in ("javascript:alert(1)", "https://a.vn/1", "ftp://a.vn", None)
    )
    proven = msgspec.structs.replace(PERSONAL, results=items)
    buttons = tell(events.Shown(code="H19-251103-0007", status=9, unit="Sở", proven=proven)).say[0].buttons
    assert [button.url for button in buttons if not isinstance(button, Tap)] == ["https://a.vn/1"]


def test_the_tables_answer_everything_from_anywhere() -> None:
    assert {heard for where, heard in TABLE if where is None} == set(Heard)
    assert {str(intent) for intent in Intent} <= {str(heard) for heard in Heard}


@pytest.mark.parametrize(
    "unit", ["\u0301", "\u202e", "hồ sơ ", "H19 1 ", "?", "a ", "tra cứu ", "' OR 1=1 --", "<b>", "😀", "mã "]
)
def test_a_flood_is_answered_like_any_message(unit: str) -> None:
    assert len(step(FRESH, events.Text(unit * 100_000), CONTEXT).say) == 1


@pytest.mark.parametrize("asked", ["name", "commune", "category", "why", "photos", ""])
@pytest.mark.parametrize("unit", ["\u0301", "Tôi là Nguyễn ", "phường ", "1/1/", "😀", "' OR 1=1 --", "\u202e"])
def test_a_flood_while_a_petition_is_completed_is_one_answer_or_one_act(unit: str, asked: str) -> None:
    at = CONTEXT.seconds
    state = State(step="petition.adding", petition_code="PA-K7PX2-M9QD8", petition_at=at, asked=asked)
    writing = State(step="petition.awaiting_text", petition="scene", petition_at=at, draft=at)
    for before in (state, writing):
        outcome = step(before, events.Text(unit * 10_000), CONTEXT)
        assert len(outcome.say) + (outcome.ask is not None) == 1
