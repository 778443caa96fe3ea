"""Sealed values open where they belong, under the keys that are configured, and tell nothing when they don't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.kit.crypto import SealBroken, TenantVault, Vault

SECRET = b"refresh-token-of-nobody"


@given(st.binary(max_size=200), st.text(max_size=40))
def test_what_was_sealed_opens_again(plain: bytes, context: str) -> None:
    vault = Vault(["a"])
    assert vault.open(vault.seal(plain, context), context) == plain
    own = TenantVault("t", b"k" * 32)
    assert own.open(own.seal(plain, context), context) == plain


def test_a_moved_ciphertext_does_not_open() -> None:
    vault = Vault(["a"])
    own, other = (TenantVault(name, b"k" * 32) for name in ("own", "other"))
    sealed = vault.seal(SECRET, "zalo_apps.app_secret/1")
    with pytest.raises(SealBroken, match=r"zalo_apps\.app_secret/2"):
        vault.open(sealed, "zalo_apps.app_secret/2")
    with pytest.raises(SealBroken):
        vault.open(sealed, "zalo_apps.oa_secret/1")
    with pytest.raises(SealBroken):
        own.open(own.seal(SECRET, "row/1"), "row/2")
    # Even under one and the same data key, another tenant's value does not open.
    with pytest.raises(SealBroken):
        other.open(own.seal(SECRET, "row/1"), "row/1")


def test_after_a_rotation_old_values_open_and_new_ones_are_sealed_under_the_new_key() -> None:
    old, rotated, new = Vault(["old"]), Vault(["new", "old"]), Vault(["new"])
    before = old.seal(SECRET, "place")
    assert rotated.open(before, "place") == SECRET
    after = rotated.seal(SECRET, "place")
    assert new.open(after, "place") == SECRET
    for vault, sealed in ((old, after), (new, before)):
        with pytest.raises(SealBroken, match="not configured") as broken:
            vault.open(sealed, "place")
        assert SECRET.decode() not in str(broken.value)


def test_a_tenants_data_key_survives_the_rotation_of_the_master_key() -> None:
    wrapped = Vault(["old"]).new_tenant_key("t")
    sealed = Vault(["old"]).tenant("t", wrapped).seal(SECRET, "row")
    assert Vault(["new", "old"]).tenant("t", wrapped).open(sealed, "row") == SECRET
    with pytest.raises(SealBroken):
        Vault(["old"]).tenant("somebody else", wrapped)


@given(st.integers(min_value=0, max_value=200), st.binary(min_size=1, max_size=3))
def test_a_damaged_value_is_named_by_place_and_never_shown(at: int, noise: bytes) -> None:
    vault, own = Vault(["a"]), TenantVault("t", b"k" * 32)
    for keeper in (vault, own):
        whole = keeper.seal(SECRET, "oa_credentials.refresh_token/7")
        for damaged in (whole[:at], whole[:at] + noise + whole[at + len(noise) :], whole + noise, noise, b""):
            if damaged == whole:
                continue
            with pytest.raises(SealBroken, match=r"oa_credentials\.refresh_token/7") as broken:
                keeper.open(damaged, "oa_credentials.refresh_token/7")
            assert "of-nobody" not in str(broken.value)


def test_equal_values_are_sealed_differently_each_time() -> None:
    own = TenantVault("t", b"k" * 32)
    assert own.seal(SECRET, "row") != own.seal(SECRET, "row")


def test_an_index_meets_only_within_one_tenant_and_purpose() -> None:
    vault = Vault(["a"])
    one, two = (vault.tenant(name, vault.new_tenant_key(name)) for name in ("one", "two"))
    assert one.index("84912345678", "phone") == one.index("84912345678", "phone")
    marks = {keeper.index("84912345678", purpose) for keeper in (one, two) for purpose in ("phone", "id_number")}
    assert len(marks) == 4
    assert one.index("b", "a") != one.index("", "a\0b")[:0] + one.index("a\0b", "")
    assert b"84912345678" not in one.index("84912345678", "phone")


def test_a_vault_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one master key"):
        Vault([])
