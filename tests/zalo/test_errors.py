"""Every number that Zalo answers with says what to do, and nothing secret is kept of the text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.zalo import errors
from govchat.zalo.codes import OA_CODES, ZBS_CODES, Host
from govchat.zalo.errors import Blame, Kind, ZaloError
from govchat.zalo.judge import error_from
from govchat.zalo.redact import redact

# Numbers by kind, copied by hand from the fact sheet: a second reading of the table.
OA_KINDS = {
    Kind.wait: [-32, -200, -214],
    Kind.quota: [-211, -218],
    Kind.night: [-234],
    Kind.auth: [-216, -220, 401, -401, 216],
    Kind.data: [-100, -201, -210, -233, -240, -242, -249],
    Kind.human: [-204, -205, -209, -212, -219, -221, -223, -224, -235, -248, -320, -321, 112],
    Kind.permanent: [
        *(-202, -206, -207, -208, -215, -213, -217, -227, -230, -232, -237, -238, -241, -403),
        *(-244, -305, -311, -1340, -1341, -20109),
    ],
}
ZBS_KINDS = {
    Kind.wait: [-100, -32],
    Kind.auth: [-124],
    Kind.night: [-133],
    Kind.quota: [-144, -147, -1441, -1471, -1472, -160],
    Kind.human: [
        *(-101, -102, -103, -104, -105, -115, -117, -120, -1201, -1202, -138, -1381, -145, -125, -131),
        *(-135, -1351, -136, -137, -146),
    ],
    Kind.permanent: [-108, -110, -114, -119, -118, -134, -139, -140, -141],
    Kind.data: [
        *(-106, -107, -109, -1091, -111, -112, -1121, -1122, -1123, -1124, -113, -1131, -1132, -116, -121, -122, -130),
        *(-132, -153, -123, -128, -129, -142, -143, -151, -152, -1241, -126, -127, -148, -149, -1491, -150, -158, -159),
        *(-161, -162),
    ],
}
ALL = [(Host.oa, k, c) for k, cs in OA_KINDS.items() for c in cs] + [
    (Host.zbs, k, c) for k, cs in ZBS_KINDS.items() for c in cs
]


@pytest.mark.parametrize(("host", "kind", "code"), ALL)
def test_every_known_number_has_its_kind_on_its_host(host, kind, code):
    error = error_from(host, code, "what Zalo says")
    assert error.kind is kind
    assert error.code == code
    assert error.sentence
    assert re.fullmatch(r"[a-z0-9_]+", error.name)
    assert not isinstance(error, errors.UnknownZaloError) or error.name.startswith("unexplained")
    assert error.retryable is (kind in (Kind.wait, Kind.auth, Kind.quota, Kind.night))


def test_the_tables_hold_nothing_that_was_not_read_twice():
    assert set(OA_CODES) - {c for cs in OA_KINDS.values() for c in cs} == {452}
    assert set(ZBS_CODES) == {c for cs in ZBS_KINDS.values() for c in cs}


def test_names_are_unique_per_host_so_that_they_can_be_counted():
    for table in (OA_CODES, ZBS_CODES):
        names = [line.name for line in table.values()]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("host", "code", "raised"),
    [
        (Host.oa, -32, errors.RateLimited),
        (Host.oa, -100, errors.AttachmentExpired),
        (Host.zbs, -100, errors.SendFailed),
        (Host.oa, -216, errors.AccessTokenInvalid),
        (Host.zbs, -124, errors.AccessTokenInvalid),
        (Host.zbs, -216, errors.AccessTokenInvalid),
        (Host.oa, -230, errors.WindowClosed),
        (Host.oa, -232, errors.WindowClosed),
        (Host.oa, -213, errors.RecipientUnreachable),
        (Host.zbs, -118, errors.RecipientUnreachable),
        (Host.oa, -244, errors.RecipientRefused),
        (Host.zbs, -141, errors.RecipientRefused),
        (Host.oa, -234, errors.NightTime),
        (Host.zbs, -144, errors.QuotaSpent),
        (Host.oa, -224, errors.PermissionMissing),
        (Host.oa, -204, errors.AccountUnavailable),
        (Host.zbs, -136, errors.PaymentNeeded),
        (Host.oa, -248, errors.ContentRefused),
        (Host.oa, -201, errors.PayloadRefused),
        (Host.oa, -249, errors.TemplateRefused),
    ],
)
def test_codes_that_the_product_acts_on_have_their_own_class(host, code, raised):
    assert type(error_from(host, code, "")) is raised


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("App request rate limit exceeded", "app"),
        ("The application has reached its limit", "app"),
        ("Your app_id is over the limit", "app"),
        ("OA reached request limit per minute", "oa"),
        ("Official Account rate limit", "oa"),
        ("Both the OA and the app", None),
        ("Too many requests", None),
        ("happened", None),
    ],
)
def test_a_rate_limit_says_whose_it_is_when_the_text_does(text, scope):
    error = error_from(Host.oa, -32, text)
    assert (error.scope, error.blame, error.retryable) == (scope, Blame.quota, True)


def test_one_number_for_missing_grant_and_for_spent_articles_is_told_apart_by_the_text():
    grant = error_from(Host.oa, -223, "OA has not authorized this API for the app")
    articles = error_from(Host.oa, -223, "OA has reached the limit of articles")
    assert (type(grant), grant.kind) == (errors.PermissionMissing, Kind.human)
    assert (type(articles), articles.kind, articles.retryable) == (errors.QuotaSpent, Kind.quota, True)


def test_a_failure_after_which_the_citizen_may_have_the_message_says_so():
    assert error_from(Host.oa, -200, "").uncertain
    assert errors.OutcomeUnknown("").uncertain
    assert not errors.OutcomeUnknown("").retryable
    assert not errors.ConnectFailed("").uncertain
    assert errors.ConnectFailed("").retryable


@given(code=st.integers(-100000, 100000), text=st.text(max_size=100), host=st.sampled_from(Host))
def test_any_number_and_text_become_an_error_that_can_be_asked(code, text, host):
    error = error_from(host, code, text)
    assert isinstance(error, ZaloError)
    assert isinstance(error.kind, Kind)
    assert isinstance(error.blame, Blame)
    assert str(code) in str(error)
    if code not in OA_CODES and code not in ZBS_CODES and code not in (-401, 401, 216, -216, -220):
        assert isinstance(error, errors.UnknownZaloError)
        assert not error.retryable


TOKEN = "V5Qx8kQ2lLrT0aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f"token {TOKEN} rejected", TOKEN),
        ("phone 0912345678 is not valid", "0912345678"),
        ("phone +84 912 345 678 is not valid", "912 345 678"),
        ("user 84912.345.678 blocked", "345.678"),
        ("user_id 4444444444444444444 blocked", "44444444"),
        ('{"refresh_token":"shorty99"}', "shorty99"),
        ("secret_key=abc123def", "abc123def"),
        ("a short-tok came", "short-tok"),
    ],
)
def test_texts_are_kept_without_what_must_not_be_kept(text, hidden):
    error = error_from(Host.oa, -201, text, secrets=["short-tok"])
    for shown in (error.message, str(error), repr(error), str(error.args)):
        assert hidden not in shown


def test_a_text_is_kept_readable_short_and_on_one_line():
    assert redact("text: quá\n dài \x00 (2000)") == "text: quá dài (2000)"
    assert len(redact("từ " * 100_000)) <= 500
