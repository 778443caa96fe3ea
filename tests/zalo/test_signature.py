"""Only what Zalo signed is accepted, in each of the forms in which it may sign."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.zalo.signature import sign, verify

BODY = b'{"event_name":"follow","timestamp":"1763770000000"}'
STAMP = "1763770000000"
KEYS = [("app", "first-key"), ("oa", "second-key")]


def check(header, *, body=BODY, body_timestamp=STAMP, header_timestamp=None, secrets=KEYS, app_id="111", oa_id=None):
    return verify(
        body,
        header,
        app_id=app_id,
        secrets=secrets,
        body_timestamp=body_timestamp,
        header_timestamp=header_timestamp,
        oa_id=oa_id,
    )


def test_the_known_check_vector_comes_out():
    assert sign("X", b"BODY", "1234567890", "Y") == "2f1ef5aabe67e8396a459ca89562e108ad541f82ba5022c85f645bd6b7220cb9"


def test_the_digest_is_plain_sha256_over_the_four_parts_in_order():
    assert sign("a", b"b", "c", "d") == hashlib.sha256(b"abcd").hexdigest()


@pytest.mark.parametrize(
    ("header", "stamps", "variant"),
    [
        (f"mac={sign('111', BODY, STAMP, 'first-key')}", (STAMP, None), "body/app/mac"),
        (sign("111", BODY, STAMP, "second-key"), (STAMP, "99"), "body/oa/raw"),
        (f"mac={sign('111', BODY, '99', 'second-key')}", (STAMP, "99"), "header/oa/mac"),
        (f"mac={sign('111', BODY, '99', 'first-key').upper()}", (None, " 99 "), "header/app/mac"),
        (f" MAC= {sign('111', BODY, STAMP, 'first-key')} ", (STAMP, STAMP), "body/app/mac"),
    ],
)
def test_every_known_form_is_accepted_and_named(header, stamps, variant):
    verdict = check(header, body_timestamp=stamps[0], header_timestamp=stamps[1])
    assert verdict.ok, verdict.reason
    assert str(verdict.variant) == variant


@pytest.mark.parametrize(
    ("header", "changes", "reason"),
    [
        (None, {}, "no signature header"),
        ("  ", {}, "no signature header"),
        ("mac=", {}, "64 hex"),
        ("mac=" + "g" * 64, {}, "64 hex"),
        ("mac=" + "a" * 63, {}, "64 hex"),
        ("mac=" + "ả" * 64, {}, "64 hex"),
        ("a" * 64, {"body_timestamp": None}, "no timestamp"),
        ("a" * 64, {"secrets": []}, "no OA secret key"),
        ("a" * 64, {"secrets": [("app", "")]}, "no OA secret key"),
        ("a" * 64, {}, "fits none"),
    ],
)
def test_what_is_not_signed_is_refused_with_the_reason(header, changes, reason):
    verdict = check(header, **changes)
    assert not verdict.ok
    assert reason in verdict.reason
    assert verdict.variant is None


def test_a_signature_over_reformatted_json_is_refused():
    assert not check(sign("111", BODY.replace(b":", b": "), STAMP, "first-key")).ok


def test_the_form_with_the_oa_first_is_reported_but_never_accepted():
    header = sign("444", BODY, STAMP, "second-key")
    verdict = check(header, oa_id="444")
    assert not verdict.ok
    assert verdict.near_miss == "oa_id first: body/oa/raw"
    assert check(header).near_miss is None


def test_a_verdict_never_tells_the_key():
    for verdict in (check("a" * 64), check(sign("111", BODY, STAMP, "first-key"))):
        assert "first-key" not in repr(verdict)


@given(body=st.binary(max_size=200), header=st.text(max_size=80), stamp=st.text(max_size=20))
def test_nothing_that_is_thrown_at_it_passes_or_breaks(body, header, stamp):
    assert not check(header, body=body, header_timestamp=stamp).ok


@given(body=st.binary(max_size=200), flipped=st.integers(min_value=0))
def test_one_changed_bit_breaks_the_signature(body, flipped):
    body += b"!"
    header = sign("111", body, STAMP, "first-key")
    changed = bytearray(body)
    changed[flipped % len(body)] ^= 1 << flipped % 8
    assert check(header, body=body).ok
    assert not check(header, body=bytes(changed)).ok
