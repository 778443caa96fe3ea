"""`govchat callback` as an operator uses it."""

from tests.callbacks.stage import verify
from tests.cli.conftest import run

ALLOWED = {"GOVCHAT_CALLBACK_ALLOW": "127.0.0.0/8"}


async def test_from_adding_to_removing(own, receivers):
    receiver = await receivers()
    said = await run(own, "callback", "add", "hue", receiver.url, "--kind", "notice.delivered", "--json", **ALLOWED)
    assert said.refusal == ""
    made = said.json
    (listed,) = (await run(own, "callback", "list", "hue", "--json")).json
    assert (listed["id"], listed["state"]) == (made["id"], "enabled")
    assert made["secret"] not in (await run(own, "callback", "list", "hue")).out

    said = await run(own, "callback", "test", "hue", made["id"], **ALLOWED)
    assert (said.status, said.out) == (0, "đã nhận: bên nhận trả lời 204\n")
    assert verify(made["secret"], *receiver.got[0])
    receiver.statuses = [500]
    said = await run(own, "callback", "test", "hue", made["id"], **ALLOWED)
    assert (said.status, said.err) == (1, "chưa nhận: answered 500\n")

    assert "giữ lại" in (await run(own, "callback", "disable", "hue", made["id"])).out
    assert "is disabled (by an operator)" in (await run(own, "callback", "test", "hue", made["id"])).refusal
    assert (await run(own, "callback", "enable", "hue", made["id"])).out.startswith("đã bật:")
    for since in ("2026-01-01T00:00:00Z", "2026-01-01T00:00"):
        assert (await run(own, "callback", "replay", "hue", made["id"], "--since", since)).status == 0
    said = await run(own, "callback", "replay", "hue", made["id"], "--since", "2026-01-01", "--all")
    assert said.out == "đang gửi lại 1 tin\n"
    assert (await run(own, "callback", "rotate", "hue", made["id"])).out.startswith("whsec_")
    assert (await run(own, "callback", "remove", "hue", made["id"])).out == "đã xóa\n"
    assert "chưa có callback nào" in (await run(own, "callback", "list", "hue")).out


async def test_bad_input_names_the_thing_and_the_way_out(own):
    said = await run(own, "callback", "add", "hue", "http://127.0.0.1/x")
    assert (said.status, "expected https://host/path" in said.refusal) == (1, True)
    said = await run(own, "callback", "add", "hue", "https://192.168.1.1/x")
    assert "GOVCHAT_CALLBACK_ALLOW" in said.refusal
    said = await run(own, "callback", "add", "hue", "https://motcua.example/x", "--kind", "Notice!")
    assert "kinds" in said.refusal
    assert (
        "not known here"
        in (await run(own, "callback", "enable", "hue", "0190c0de-0000-7000-8000-000000000000")).refusal
    )
    assert (await run(own, "callback", "enable", "hue", "x")).status == 2
