"""The control API: acting as citizens, looking, seeding, moving time; and the server as a process."""

import asyncio
import os
import signal
import sys

import pytest

from govchat.errors import ConfigurationError
from govchat.simulator import server
from govchat.simulator.world import AppConfig, OaConfig, World


async def test_a_citizen_acts_through_the_control_api(zalo, receiver):
    delivery = await zalo.control("POST", "users/an-giang/u1/text", {"text": "xin chào"})
    assert (delivery["event_name"], delivery["status"], delivery["sent"]) == ("user_send_text", 200, True)
    for act, body in {
        "tap": {"payload": "#A"},
        "image": {},
        "location": {},
        "submit_info": {"name": "A", "phone": "84912345678"},
        "attachment": {"kind": "sticker", "payload": {"id": "1", "url": "https://zalo.vn/1"}},
        "react": {"message_id": delivery["msg_id"]},
        "admin_text": {"text": "cán bộ đây"},
        "unfollow": None,
        "follow": None,
        "see": None,
        "withdraw": None,
    }.items():
        assert (await zalo.control("POST", f"users/1001/u1/{act}", body))["status"] == 200, act
    assert [event["event_name"] for event in receiver.events] == [
        "user_send_text",
        "user_send_text",
        "user_send_image",
        "user_send_location",
        "user_submit_info",
        "user_send_sticker",
        "user_reacted_message",
        "oa_send_text",
        "unfollow",
        "follow",
        "user_seen_message",
        "user_withdraw",
    ]


async def test_chat_now_is_an_event_for_newcomers_alone(zalo, receiver):
    assert (await zalo.control("POST", "users/an-giang/new/click_chat"))["sent"] is True
    await zalo.control("POST", "users/an-giang/new/text", {"text": "a"})
    assert (await zalo.control("POST", "users/an-giang/new/click_chat"))["sent"] is False
    assert receiver.named("user_click_chatnow")[0]["user_id"] == "new"


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("users/nowhere/u1/text", {"text": "a"}, "nowhere"),
        ("users/an-giang/u1/dance", {}, "dance"),
        ("users/an-giang/u1/text", {"words": "a"}, "words"),
        ("users/an-giang/u1/text", {}, "text"),
        ("users/an-giang/u1/image", {"data": "%"}, "base64"),
        ("limits", {"retry_on": "never"}, "never"),
        ("limits", {"app": "99"}, "99"),
        ("seed", {"count": 0}, "count"),
        ("token/an-giang/steal", None, "steal"),
        ("burst", {"per_second": 0, "seconds": 1, "texts": []}, "per_second"),
    ],
)
async def test_a_mistake_is_answered_with_a_sentence_that_names_it(zalo, path, body, said):
    assert said in (await zalo.control("POST", path, body))["error"]


async def test_states_of_a_person_can_be_set(zalo):
    hello = {"text": "a"}
    for act, code in (("block", -244), ("unblock", 0), ("ban", -227), ("unban", 0)):
        await zalo.control("POST", f"users/an-giang/u1/{act}")
        assert (await zalo.cs(hello))["error"] == code
    for seconds, code in ((7 * 86400 - 60, 0), (7 * 86400 + 60, -230), (None, -232)):
        await zalo.control("POST", "users/an-giang/u1/last_interaction", {"seconds": seconds})
        assert (await zalo.cs(hello))["error"] == code
    assert (await zalo.control("GET", "users/an-giang/u1"))["last_interaction"] is None


async def test_what_was_said_can_be_read(zalo):
    await zalo.control("POST", "users/an-giang/u1/text", {"text": "hỏi"})
    await zalo.cs({"text": "đáp"})
    said = await zalo.control("GET", "messages?oa=an-giang&user=u1")
    assert [(one["from"], one["text"]) for one in said] == [("user", "hỏi"), ("oa", "đáp")]
    assert len(await zalo.control("GET", "messages?oa=an-giang&from=oa")) == 1
    assert len(await zalo.control("GET", "messages?oa=1001&limit=1")) == 1
    stats = await zalo.control("GET", "stats")
    assert stats["reply_ms"]["count"] == 1
    assert stats["webhook_ms"]["count"] >= 1


async def test_seeding_a_hundred_thousand_costs_nothing(zalo):
    answer = await zalo.control("POST", "seed", {"count": 100_000})
    assert answer == {"an-giang": 100_001, "bac-ninh": 100_000, "ca-mau": 100_000}
    assert (await zalo.cs({"text": "a"}, "dev-an-giang-100000"))["error"] == 0
    assert len(zalo.sim.world.people["1001"]) == 2, "only who was written to exists"
    assert (await zalo.get("/v2.0/oa/getoa"))["data"]["num_follower"] == 100_001


async def test_a_burst_of_questions_goes_out_at_its_rate(zalo, receiver):
    await zalo.control("POST", "seed", {"count": 10})
    done = await zalo.control("POST", "burst", {"per_second": 200, "seconds": 0.2, "texts": ["a", "b"], "users": 10})
    assert (done["said"], done["accepted"]) == (40, 40)
    assert len({event["sender"]["id"] for event in receiver.events}) == 30


async def test_old_messages_are_forgotten_before_memory_runs_out(zalo, monkeypatch):
    monkeypatch.setattr("govchat.simulator.world.KEPT_MESSAGES", 5)
    for number in range(8):
        await zalo.cs({"text": str(number)})
    assert [message.text for message in zalo.sim.world.messages("1001")] == list("34567")
    assert [message.text for message in zalo.sim.world.messages("1001", "u1")] == list("34567")


def test_a_world_that_contradicts_itself_is_refused():
    app = AppConfig("1", "s", "o", "a")
    with pytest.raises(ConfigurationError, match="none of the apps"):
        World([app], [OaConfig("2", "9", "x", "x")])
    with pytest.raises(ConfigurationError, match="share an oa_id"):
        World([app], [OaConfig("2", "1", "x", "x"), OaConfig("2", "1", "y", "y")])


async def test_a_busy_port_is_said_in_one_sentence(sim, make_world):
    with pytest.raises(ConfigurationError, match="--simulator-port"):
        await server.start(make_world(), port=int(sim.url.rsplit(":", 1)[1]))


async def test_a_terminated_simulator_ends_cleanly_and_keeps_its_state(tmp_path):
    program = (
        "import sys\nfrom pathlib import Path\nfrom govchat.simulator import server\n"
        "from govchat.simulator.world import AppConfig, OaConfig, World\n"
        "world = World([AppConfig('1', 's', 'o', 'a')], [OaConfig('2', '1', 'x', 'x')])\n"
        "server.run(world, port=0, state_path=Path(sys.argv[1]), on_ready=lambda running: print(running.url, flush=True))\n"
    )
    path = tmp_path / "state.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        str(path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert (await process.stdout.readline()).startswith(b"http://127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    _, errors = await asyncio.wait_for(process.communicate(), 10)
    assert (process.returncode, errors) == (0, b"")
    assert path.exists()
