"""Messages are heard as the flows need them, a province's own words count, and a secret is told from a word."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.conversation.rulebook import read_rulebook, tenant_book
from govchat.conversation.understand import Intent, understand
from govchat.errors import ConfigurationError

TODAY = date(2026, 11, 22)


def read(text: str, *, awaiting_secret: bool = False) -> tuple[str, str | None]:
    meaning = understand(text, TODAY, awaiting_secret=awaiting_secret)
    return str(meaning.intent), meaning.secret


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("TRA CUU HO SO", "lookup"),
        ("tracuu", "lookup"),
        ("cho hỏi hồ sơ tới đâu rồi", "progress"),
        ("ho so toi xong chua", "progress"),
        ("hồ sơ trễ hẹn rồi sao chưa trả", "progress"),
        ("kt hs giúp mình", "progress"),
        ("bao gio co ket qua", "progress"),
        ("toi quen ma ho so roi", "lost_code"),
        ("mat giay hen tra cuu the nao", "lost_code"),
        ("mã tra cứu lấy ở đâu ạ", "lost_secret"),
        ("hướng dẫn tra cứu hồ sơ", "help"),
        ("sdt trung tam", "contact_office"),
        ("goi lai cho toi", "human"),
        ("hiiiii", "greeting"),
        ("ad oi", "greeting"),
        ("chào ad, mình muốn tra cứu hồ sơ", "progress"),
        ("cảm ơn ad nhiều nhé", "thanks"),
        ("👍", "thanks"),
        ("??", "help"),
        ("0912 345 678", "personal_number"),
        ("sđt em 0912.345.678", "personal_number"),
        ("060190000123", "personal_number"),
        ("làm hộ khẩu cần giấy tờ gì", "procedure"),
        ("giúp em làm sổ đỏ", "procedure"),
        ("chào ad, làm khai sinh cho con ở phường nào", "procedure"),
        ("sdt em đổi rồi", "link"),
        ("xổ số miền nam", "out_of_scope"),
        ("dừng", "opt_out"),
        ("đăng ký nhận thông báo", "subscribe"),
        ("dang ky nhan thong bao ad oi", "subscribe"),
        ("huy nhan thong bao", "unsubscribe"),
        ("hủy nhận thông báo H19.12-261103-0007", "unsubscribe"),
        ("huy nhan tin", "opt_out"),
        ("STOP", "opt_out"),
        ("hồ sơ của em", "my_dossiers"),
        ("danh sach nhan thong bao", "my_dossiers"),
        ("thôi không cần nữa", "cancel"),
        ("rut ho so H19.12-261103-0007", "withdraw"),
        ("tra cứu H19.12-261103-0007", "lookup"),
        ("", "unknown"),
        ("😀", "unknown"),
    ],
)
def test_messages_are_read_as_people_mean_them(text: str, intent: str) -> None:
    assert read(text)[0] == intent


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


def test_the_reading_comes_along_for_the_flows() -> None:
    meaning = understand("khai sinh cần giấy tờ gì", TODAY)
    assert meaning.reading.intent == "procedure_info"
    assert meaning.reading.procedures[0].code == "1.001193"
    assert meaning.reading.field == "documents"


def test_a_province_s_own_words_count() -> None:
    book = tenant_book('[aliases]\n"giấy vàng bến thuyền" = "1.009141"\n', "tenants/x/words.toml")
    assert understand("xin giấy vàng bến thuyền", TODAY, book=book).reading.procedures[0].code == "1.009141"
    assert "1.009141" not in [one.code for one in understand("xin giấy vàng bến thuyền", TODAY).reading.procedures]


RULES = """
skips = []
[commands]
[follow_ups]
[last_words]
[groups]
[signs]
help = ["?"]
[secrets]
labels = []
never = []
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[signs", "rules.toml"),
        (RULES.replace("labels = []", "labels = 3"), "labels"),
        (RULES.replace("[signs]", "[sign]"), "sign"),
        (RULES.replace("help =", "sale ="), 'signs of "sale"'),
        (RULES.replace('"?"', '"a\u0301"'), "NFC"),
    ],
)
def test_rules_that_are_wrong_are_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=r"rules\.toml") as refusal:
        read_rulebook(text, "rules.toml")
    assert says in str(refusal.value)
