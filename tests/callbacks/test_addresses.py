"""Where deliveries go: not where a redirect or a name that turns inwards leads."""

import socket
from datetime import timedelta

import msgspec
import pytest
from aiohttp.abc import AbstractResolver

from govchat.callbacks.deliver import Deliverer
from govchat.kit.clock import shifted

LONG = timedelta(minutes=10)


async def test_redirects_are_not_followed(stage, receivers):
    goal, receiver = await receivers(), await receivers()
    receiver.statuses, receiver.headers = [307], {"Location": goal.url}
    made = await stage.add("lam-dong", receiver.url)
    await stage.put("lam-dong")
    await stage.deliverer.run_once()
    (row,) = await stage.rows("lam-dong", made.id)
    assert (goal.got, row.last_error) == ([], "redirects are not followed")


class Answers(AbstractResolver):
    """A name server that answers each question with the next list of addresses."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, host, port=0, family=socket.AF_UNSPEC):
        self.asked += 1
        return [
            {"hostname": host, "host": each, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for each in self.answers.pop(0)
        ]

    async def close(self) -> None:
        """Nothing."""


@pytest.fixture
def deliverer_that_asks(stage):
    made: list[Deliverer] = []

    def make(resolver: AbstractResolver, *allowed: str) -> Deliverer:
        settings = msgspec.structs.replace(stage.registry.settings, callback_allow=allowed)
        before, stage.registry.settings = stage.registry.settings, settings
        made.append(Deliverer(stage.registry, resolver=resolver))
        stage.registry.settings = before
        return made[-1]

    return make


async def test_a_name_that_turns_inwards_after_it_was_checked_is_not_called(stage, receivers, deliverer_that_asks):
    """DNS rebinding: first the allowed 127.0.0.2, then 127.0.0.1, where something listens on the same port."""
    inside = await receivers()
    port = int(inside.url.split(":")[2].split("/")[0])
    names = Answers(["127.0.0.2"], ["127.0.0.1"], ["127.0.0.2", "127.0.0.1"])
    deliverer = deliverer_that_asks(names, "127.0.0.2/32")
    made = await stage.add("lam-dong", f"http://motcua.example:{port}/hear")
    await stage.put("lam-dong")
    told = []
    for days in range(3):
        with shifted(LONG * days):
            assert await deliverer.run_once() == 1
            told.append((await stage.rows("lam-dong", made.id))[0].last_error)
    await deliverer.close()
    assert told == ["no connection", *["address refused: not public and not allowed"] * 2]
    assert names.asked == 3, "one question a call: what was judged is what is called"
    assert inside.got == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_address_written_as_such_is_judged_when_it_is_called(stage, receivers, deliverer_that_asks, scheme):
    """It was allowed when it was added; the operator took the network off the list."""
    inside = await receivers()
    deliverer = deliverer_that_asks(Answers(), "10.0.0.0/8")
    made = await stage.add("lam-dong", inside.url.replace("http", scheme))
    await stage.put("lam-dong")
    await deliverer.run_once()
    await deliverer.close()
    (row,) = await stage.rows("lam-dong", made.id)
    assert (row.last_error, inside.got) == ("address refused: not public and not allowed", [])
