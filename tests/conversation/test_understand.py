"""Each line of the rules is read as meant, with tones and without, and a secret is told from a word."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.conversation.rulebook import Phrase, read_rulebook, rulebook
from govchat.conversation.understand import Intent, understand
from govchat.errors import ConfigurationError
from govchat.kit.text import fold

TODAY = date(2026, 11, 22)
LINES = [pytest.param(phrase, id=f"{phrase.intent}-{phrase.text}") for phrase in rulebook().phrases]


def read(text: str, *, awaiting_secret: bool = False) -> tuple[str, str | None]:
    meaning = understand(text, TODAY, awaiting_secret=awaiting_secret)
    return str(meaning.intent), meaning.secret


@pytest.mark.parametrize("phrase", LINES)
def test_every_line_of_the_rules_is_read_as_meant(phrase: Phrase) -> None:
    spoken = phrase.text.replace("…", "ấy")
    assert read(spoken)[0] == phrase.intent
    assert read(fold(spoken).upper())[0] == phrase.intent
    assert read(f"{spoken} ạ")[0] == phrase.intent


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("TRA CUU HO SO", "lookup"),
        ("tracuu", "lookup"),
        ("cho hỏi hồ sơ tới đâu rồi", "lookup"),
        ("ho so toi xong chua", "lookup"),
        ("hồ sơ trễ hẹn rồi sao chưa trả", "lookup"),
        ("kt hs giúp mình", "lookup"),
        ("bao gio co ket qua", "lookup"),
        ("toi quen ma ho so roi", "lost_code"),
        ("mat giay hen tra cuu the nao", "lost_code"),
        ("mã tra cứu lấy ở đâu ạ", "lost_secret"),
        ("hướng dẫn tra cứu hồ sơ", "help"),
        ("sdt trung tam", "contact_office"),
        ("goi lai cho toi", "contact_office"),
        ("hiiiii", "greeting"),
        ("ad oi", "greeting"),
        ("chào ad, mình muốn tra cứu hồ sơ", "lookup"),
        ("cảm ơn ad nhiều nhé", "thanks"),
        ("👍", "thanks"),
        ("??", "help"),
        ("0912 345 678", "personal_number"),
        ("sđt em 0912.345.678", "personal_number"),
        ("060190000123", "personal_number"),
        ("làm hộ khẩu cần giấy tờ gì", "unknown"),
        ("giúp em làm sổ đỏ", "unknown"),
        ("chào ad, làm khai sinh cho con ở phường nào", "unknown"),
        ("sdt em đổi rồi", "unknown"),
        ("xổ số miền nam", "unknown"),
        ("dừng", "unknown"),
        ("", "unknown"),
        ("😀", "unknown"),
    ],
)
def test_messages_are_read_as_people_mean_them(text: str, intent: str) -> None:
    assert read(text)[0] == intent


def test_what_was_really_typed_outranks_its_shadow() -> None:
    rules = """
        particles = []
        [abbreviations]
        [[rule]]
        intent = "menu"
        rank = 1
        cover = 0.0
        phrases = ["bán sào"]
        [[rule]]
        intent = "help"
        rank = 1
        cover = 0.0
        phrases = ["bản sao"]
        [signs]
        [secrets]
        labels = []
        never = []
    """
    from govchat.conversation.understand import _best, read_words

    book = read_rulebook(rules, "test")
    assert _best(read_words("bán sào", book), book)[0] is Intent.MENU
    assert _best(read_words("bản sao", book), book)[0] is Intent.HELP
    assert _best(read_words("ban sao", book), book)[1] == 0.9


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("K7PX", "K7PX"),
        ("k7px ạ", "k7px"),
        ("1234", "1234"),
        ("KXPQ", "KXPQ"),
        ("mã tra cứu: K7PX", "K7PX"),
        ("mã là k7px nhé", "k7px"),
        ("ma tra cuu THAN", "THAN"),
        ("THAN", None),
        ("nhanh", None),
        ("menu", None),
        ("thanks", None),
        ("K7P", None),
        ("A1B2C3D4E5F6G", None),
        ("0912345678", None),
        ("060190000123", None),
        ("rồi sao nữa", None),
        ("k7px hay k7py", None),
    ],
)
def test_a_secret_is_told_from_a_word(text: str, secret: str | None) -> None:
    assert read(text, awaiting_secret=True)[1] == secret


@pytest.mark.parametrize("text", ["K7PX", "1234", "KXPQ"])
def test_no_token_is_a_secret_unless_one_is_awaited(text: str) -> None:
    assert read(text) == ("unknown", None)


@pytest.mark.parametrize(
    ("rest", "secret"),
    [
        ("K7PX", "K7PX"),
        ("k7px ạ", "k7px"),
        (", mã K7PX", "K7PX"),
        ("mat khau: 4821", "4821"),
        ("THAN", "THAN"),
        ("xong chua", None),
        ("nhanh", None),
        ("ạ", None),
        ("thanks", None),
        ("0912345678", None),
        ("", None),
    ],
)
def test_the_secret_behind_a_code_is_found(rest: str, secret: str | None) -> None:
    assert read(f"tra cuu H19.12-251103-0007 {rest}") == ("lookup", secret)


@given(st.text(max_size=200), st.booleans())
def test_no_text_is_too_odd_to_read(text: str, awaiting: bool) -> None:
    assert understand(text, TODAY, awaiting_secret=awaiting).intent in Intent


RULES = """
particles = []
[abbreviations]
[[rule]]
intent = "INTENT"
rank = 1
cover = 0.5
phrases = ["PHRASE"]
[signs]
[secrets]
labels = []
never = []
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("particles = [", "rules.toml"),
        (RULES.replace("particles = []", "particles = 3"), "particles"),
        (RULES.replace("[[rule]]", "[[rules]]"), "rule"),
        (RULES.replace("INTENT", "sale"), 'intent "sale"'),
        (RULES.replace("INTENT", "menu").replace("PHRASE", "… gì"), "on both sides"),
        (RULES.replace("INTENT", "menu").replace("PHRASE", "a\u0301"), "NFC"),
    ],
)
def test_rules_that_are_wrong_are_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=r"rules\.toml") as refusal:
        read_rulebook(text, "rules.toml")
    assert says in str(refusal.value)
