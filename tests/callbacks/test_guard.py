"""Where callbacks may go: nowhere inside, whatever the address is dressed as, unless the operator says so."""

import pytest

from govchat.callbacks.guard import CallbackUrlInvalid, check_url, may_go, networks
from govchat.errors import ConfigurationError
from govchat.settings import Settings


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.255.255.250",
        "255.255.255.255", "240.0.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "2002:a00:1::1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2001:db8::1", "::ffff:0:0",
    ],
)  # fmt: skip
def test_addresses_inside_are_refused(address):
    assert not may_go(address, ())


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "203.162.4.190", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_public_addresses_pass_but_not_without_encryption(address):
    assert may_go(address, ())
    assert not may_go(address, (), public=False)


def test_what_the_operator_allows_passes_and_nothing_beside_it():
    allowed = networks(("10.20.0.0/16", "fd12::/16"))
    assert may_go("10.20.3.4", allowed, public=False)
    assert may_go("::ffff:10.20.3.4", allowed)
    assert may_go("fd12::9", allowed)
    assert not may_go("10.21.0.1", allowed)
    assert not may_go("169.254.169.254", allowed)


@pytest.mark.parametrize(
    "url",
    [
        "http://motcua.example/x", "ftp://motcua.example/x", "https://", "https:///x", "//motcua.example/x", "motcua.example",
        "https://user:pw@motcua.example/", "https://user@motcua.example/", "https://motcua.example/#x", "https://[::1/x",
        "https://motcua.example:99999/", "https://motcua.example:0/", "https://127.0.0.1/x", "https://[::ffff:10.0.0.1]/x",
        "https://169.254.169.254/latest/meta-data", "https://một-cửa.example/", "https://a b.example/", "javascript:alert(1)",
        "https://2130706433/x", "https://0x7f000001/x", "https://0177.0.0.1/x", "https://127.1/x", "https://localhost/x",
        "https://a.localhost./x", "https://./x",
    ],
)  # fmt: skip
def test_urls_that_can_not_be_right_are_refused_at_once(url):
    with pytest.raises(CallbackUrlInvalid):
        check_url(url, ())


def test_a_number_is_no_name_whatever_the_operator_allows():
    allowed = networks(("127.0.0.0/8",))
    assert check_url("http://localhost:8080/x", allowed)
    with pytest.raises(CallbackUrlInvalid, match="number"):
        check_url("https://2130706433/x", allowed)


def test_plain_http_is_for_allowed_networks_only():
    allowed = networks(("10.20.0.0/16",))
    assert check_url("http://10.20.1.1:8080/x", allowed)
    with pytest.raises(CallbackUrlInvalid, match="GOVCHAT_CALLBACK_ALLOW"):
        check_url("http://1.1.1.1/x", allowed)


def test_the_setting_names_what_is_no_network():
    read = Settings.from_env({"GOVCHAT_CALLBACK_ALLOW": " 10.20.0.0/16 , 192.168.7.12 "})
    assert read.callback_allow == ("10.20.0.0/16", "192.168.7.12")
    with pytest.raises(ConfigurationError, match=r'GOVCHAT_CALLBACK_ALLOW "10.20.0.1/16"'):
        Settings.from_env({"GOVCHAT_CALLBACK_ALLOW": "10.20.0.1/16"})
