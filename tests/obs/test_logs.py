"""Logs: valid lines, the same shape from every source, and nothing personal in them."""

import io
import json
import logging
import re
from collections.abc import Iterator
from uuid import UUID

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from govchat.obs.logs import citizen_hash, configure, tenant_bound
from govchat.obs.redact import HIDDEN, redact, redact_text


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """What a configured process writes; the logging of the test run is put back afterwards."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure("api", "json", stream=stream)
    yield stream
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_carries_time_level_part_tenant_and_event(out: io.StringIO) -> None:
    log = structlog.get_logger()
    with tenant_bound("dong-nai"):
        log.info("message_sent", ms=3.5)
    log.warning("redis_down")
    first, second = lines(out)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", str(first.pop("time")))
    assert first == {"level": "info", "part": "api", "tenant": "dong-nai", "event": "message_sent", "ms": 3.5}
    assert "tenant" not in second


def test_other_libraries_log_the_same_way(out: io.StringIO) -> None:
    noisy = logging.getLogger("uvicorn.error")
    noisy.addHandler(logging.NullHandler())
    configure("worker", "json", stream=out)
    with tenant_bound("ha-noi"):
        noisy.warning("call %s", "0912345678", extra={"color_message": "red 0912345678"})
    (line,) = lines(out)
    assert line["event"] == "call <phone>"
    assert (line["logger"], line["part"], line["tenant"], line["level"]) == (
        "uvicorn.error",
        "worker",
        "ha-noi",
        "warning",
    )
    assert "0912345678" not in out.getvalue()


@pytest.mark.parametrize("source", ["structlog", "logging"])
def test_an_exception_is_told_without_the_values_around_it(out: io.StringIO, source: str) -> None:
    def fail(applicant: str) -> None:
        raise ValueError(f"no such citizen: {len(applicant)}")

    try:
        fail("Trịnh Thị Phương Hiền")
    except ValueError:
        if source == "structlog":
            structlog.get_logger().exception("look_up_failed")
        else:
            logging.getLogger("arq").exception("look_up_failed")
    (line,) = lines(out)
    assert line["event"] == "look_up_failed"
    assert "ValueError: no such citizen: 21" in str(line["exception"])
    assert "Phương Hiền" not in str(line["exception"]).replace('fail("Trịnh Thị Phương Hiền")', "")
    assert "exc_info" not in line


def test_bound_values_of_a_failed_statement_are_not_told(out: io.StringIO) -> None:
    message = (
        "(asyncpg.UniqueViolationError) duplicate key\nDETAIL:  Key (tenant_id, name)=(7, Trịnh Hiền) already exists.\n"
        "[SQL: INSERT INTO dossiers VALUES ($1, $2)]\n[parameters: ('Trịnh Hiền', ['a]'], 'K7PX')]\n"
        "(Background on this error at: https://sqlalche.me/e/20/gkpj)"
    )
    try:
        raise RuntimeError(message)
    except RuntimeError:
        structlog.get_logger().exception("insert_failed")
    text = str(lines(out)[0]["exception"])
    assert "INSERT INTO dossiers" in text
    assert "Background on this error" in text
    assert "Trịnh" not in text
    assert "K7PX" not in text


def test_sql_is_not_echoed_with_its_values(out: io.StringIO) -> None:
    configure("api", "json", level="debug", stream=out)
    logging.getLogger("sqlalchemy.engine.Engine").info("[raw sql] ('Trịnh Hiền',)")
    structlog.get_logger().debug("heard")
    assert [line["event"] for line in lines(out)] == ["heard"]


def test_what_is_below_the_level_is_not_written(out: io.StringIO) -> None:
    structlog.get_logger().debug("quiet")
    logging.getLogger("arq.worker").debug("quiet")
    assert out.getvalue() == ""


def test_a_log_line_is_never_the_error(out: io.StringIO) -> None:
    circle: list[object] = []
    circle.append(circle)
    structlog.get_logger().info(
        "odd",
        half="\ud800",
        huge=2**200,
        nan=float("nan"),
        circle=circle,
        raw=b"\xff",
        what=object,
        key={1: {2: UUID(int=0)}},
    )
    (line,) = lines(out)
    assert line["raw"] == "<1 bytes>"
    assert line["key"] == {"1": {"2": str(UUID(int=0))}}


def test_the_console_form_is_masked_too(out: io.StringIO) -> None:
    configure("up", "console", stream=out)
    structlog.get_logger().info("call 0912345678", access_token="abc")
    try:
        raise ValueError("call +84912345678")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "912345678" not in out.getvalue()
    assert "abc" not in out.getvalue()
    assert "ValueError: call <phone>" in out.getvalue()


def test_a_citizen_hash_joins_lines_and_needs_the_key() -> None:
    one = citizen_hash(b"key", "dong-nai", "7239871239871239871")
    assert re.fullmatch(r"[0-9a-f]{16}", one)
    assert one == citizen_hash(b"key", "dong-nai", "7239871239871239871")
    others = {
        citizen_hash(b"yek", "dong-nai", "7239871239871239871"),
        citizen_hash(b"key", "ha-noi", "7239871239871239871"),
        citizen_hash(b"key", "dong-nai", "7239871239871239872"),
        citizen_hash(b"k" * 40, "dong-nai", "7239871239871239871"),
        one,
    }
    assert len(others) == 5
    with pytest.raises(ValueError, match="derive one from the master key"):
        citizen_hash(b"", "dong-nai", "1")


@pytest.mark.parametrize(
    "text",
    [
        "0912345678", "84912345678", "+84912345678", "0912 345 678", "0912.345.678", "091-234-5678",
        "+84 (0) 912 345 678", "(+84) 912345678",
        "84 912 345 678", "+84-91-234-56-78", "０９１２３４５６７８",
        "gọi0912345678nhé", "sđt:0912345678,", "\u200b0912\u00a0345\u00a0678",
    ],
)  # fmt: skip
def test_a_phone_number_is_masked_however_it_is_grouped(text: str) -> None:
    assert "<phone>" in redact_text(text)
    assert not re.search(r"\d{3}", redact_text(text))


@pytest.mark.parametrize(
    "text",
    [
        "075190001234",
        "075 190 001 234",
        "075.190.001.234",
        "0751-9000-1234",
        "cccd 075190001234.",
        "0 7 5 1 9 0 0 0 1 2 3 4",
    ],
)
def test_an_identity_number_is_masked(text: str) -> None:
    assert "<id-number>" in redact_text(text)
    assert not re.search(r"\d{3}", redact_text(text))


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ('{"access_token": "abc/def+g=", "expires_in": 90000}', "abc/def"),
        ("refresh_token=abcdef&grant_type=refresh_token", "abcdef"),
        ("{'app_secret': 'hush hush'}", "hush"),
        ("password = topsecret9", "topsecret9"),
        ("key gvc_live_AbC-123_xyz refused", "AbC-123"),
        ("key gvc_test_AbC123", "AbC123"),
        ("dev-refresh:4318657068771012646", "4318657068771012646"),
        ("dev-app-secret:12", ":12"),
        ("key gvc_live_ab0912345678cdEF", "cdEF"),
        ("access_token=ab0912345678cdEF", "cdEF"),
        ("postgresql+asyncpg://govchat:hunter2@db/govchat", "hunter2"),
        ("redis://:hunter2@cache:6379/0", "hunter2"),
        ("GET /oauth/zalo/callback?oa_id=1&code=Zx81&state=q9 HTTP/1.1", "Zx81"),
        ("GET /oauth/zalo/callback?oa_id=1&code=Zx81&state=q9 HTTP/1.1", "q9"),
        ("GET /q/AAECAwQF HTTP/1.1", "AAECAwQF"),
        ("https://chat.example/f/AAECAwQF?x=1", "AAECAwQF"),
        ("mail hien@example.vn now", "hien@"),
    ],
)
def test_a_secret_in_a_text_is_masked(text: str, secret: str) -> None:
    assert secret not in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "H19.12-261103-0007", "H26.103.25.7-250908-0112", "000.00.19.H47-260105-0001", "1.011442.000.00.00.H38",
        "oa 4318657068771012646",
        "2026-11-22T03:37:54.012345+07:00", "018f0000-1234-7000-8000-091234567890",
        "sent 50 of 100000 in 1234 ms", "port 8000, 127.0.0.1",
        "Không tìm thấy hồ sơ", "",
    ],
)  # fmt: skip
def test_what_operators_need_is_left_as_it_is(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "key",
    ["access_token", "Refresh-Token", "authorization", "appSecret", "password", "phone", "applicant_phone", "name",
     "full_name", "user_id",
     "text", "lookup_secret", "id_number", "api_key", "parameters", "Cookie"],
)  # fmt: skip
def test_a_value_is_hidden_by_its_key(key: str) -> None:
    assert redact({"deep": [{key: "Trịnh Hiền"}]}) == {"deep": [{key: HIDDEN}]}
    assert redact({key: None}) == {key: None}


def test_counts_under_a_telling_key_stay() -> None:
    assert redact({"tokens": 7, "token_lifetime_s": 90000.0, "phone_ok": True, "event_name": "user_send_text"}) == {
        "tokens": 7,
        "token_lifetime_s": 90000.0,
        "phone_ok": True,
        "event_name": "user_send_text",
    }
    assert redact({"n": 84912345678, "m": 175190001234, "oa": 4318657068771012646}) == {
        "n": HIDDEN,
        "m": HIDDEN,
        "oa": 4318657068771012646,
    }


GAPS = st.sampled_from(["", " ", ".", "-", " - ", "\u00a0", ") "])
AROUND = st.text(st.characters(exclude_categories=("Nd", "Cs", "No", "Nl")), max_size=12)
NINE = st.from_regex(r"\A[1-9][0-9]{8}\Z")
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
JSONISH = (
    PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(), PLAIN | st.lists(PLAIN, max_size=2), max_size=3)
)


@given(
    st.sampled_from(["0", "84", "+84", "(+84)", "+84 (0)"]),
    NINE,
    st.lists(GAPS, min_size=9, max_size=9),
    AROUND,
    AROUND,
)
@example("0", "912345678", [""] * 9, "a", "b")
@example("0", "912345678", [" ", *[""] * 8], "/q/", "")
@example("+84 (0)", "912345678", [" - ", *[""] * 8], "", "")
def test_no_phone_number_survives(lead: str, digits: str, gaps: list[str], before: str, after: str) -> None:
    written = lead + "".join(gap + digit for gap, digit in zip(gaps, digits, strict=True))
    clean = json.dumps(redact({"event": before + written + after, "deep": [{"x": written}]}), ensure_ascii=False)
    assert digits not in re.sub(r"\D", "", clean)


@given(st.from_regex(r"\A0[0-9]{11}\Z"), st.sampled_from(["", " "]), AROUND, AROUND)
def test_no_identity_number_survives(number: str, gap: str, before: str, after: str) -> None:
    clean = redact_text(before + gap.join(number) + after)
    assert number not in re.sub(r"\D", "", clean)


@given(
    st.sampled_from(["access_token", "refresh_token", "app_secret", "password", "Authorization"]),
    st.sampled_from(["=", ": ", '": "', "': '"]),
    st.from_regex(r"\A[A-Za-z0-9_\-]{12,40}\Z"),
    AROUND,
)
def test_no_token_survives(key: str, between: str, token: str, before: str) -> None:
    assert token not in redact_text(f"{before}{key}{between}{token}")
    assert token not in redact_text(f"{before} gvc_live_{token}")
    assert token not in redact_text(f"{before} Bearer {token}")


@given(st.dictionaries(st.text(), JSONISH, max_size=4))
def test_whatever_is_logged_becomes_one_json_line(event: dict[str, object]) -> None:
    from govchat.obs.logs import _as_json, redaction

    line = _as_json(None, "info", redaction(None, "info", {"event": "x", **event}))
    assert "\n" not in line
    assert isinstance(json.loads(line), dict)


def test_a_megabyte_is_cut_before_it_is_searched() -> None:
    clean = redact_text("a" * 1_000_000 + " 0912345678")
    assert len(clean) < 20_000
    assert clean.endswith("<phone>")
