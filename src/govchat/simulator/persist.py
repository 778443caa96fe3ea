"""What survives a restart of the simulator: one JSON file, replaced atomically.

Tokens first (govchat keeps rotated refresh tokens in its own database), then people who did something themselves,
seeds, messages and uploads. Counters, limits and faults start anew.
"""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from govchat.simulator.people import Message, Person
from govchat.simulator.tokens import Ledger
from govchat.simulator.uploads import Upload
from govchat.simulator.world import World

EVERY_SECONDS = 2.0
MESSAGES_PER_PERSON = 50


class _State(msgspec.Struct):
    tokens: dict[str, Ledger] = {}
    seeded: dict[str, list[tuple[int, float]]] = {}
    people: list[Any] = []
    uploads: list[Upload] = []
    zbs_sent: dict[str, dict[str, Any]] = {}


def save(world: World, path: Path) -> None:
    """Write the state beside the old one, then swap."""
    state = _State(
        world.tokens.snapshot(),
        world.seeded,
        [_short(person) for people in world.people.values() for person in people.values() if _worth(person)],
        list(world.uploads.kept.values()),
        dict(list(world.zbs_sent.items())[-1000:]),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(msgspec.json.encode(state))
    beside.replace(path)
    world.dirty = False


def _worth(person: Person) -> bool:
    """Seeded followers come back by their seed; a load test has too many of them to write down."""
    return person.acted and not person.user_id.startswith("dev-")


def _short(person: Person) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(person)
    fields["messages"] = fields["messages"][-MESSAGES_PER_PERSON:]
    return fields


def load(world: World, path: Path) -> bool:
    """Take up the state of an earlier life. A missing or unreadable file is a new life; answers whether there was one."""
    world.uploads.folder = path.with_name(f"{path.stem}.files")
    try:
        state = msgspec.json.decode(path.read_bytes(), type=_State)
    except (FileNotFoundError, msgspec.DecodeError):
        return False
    world.tokens.restore(state.tokens)
    for oa_id, seeds in state.seeded.items():
        if oa_id in world.seeded:
            world.seeded[oa_id] = seeds
    kept: list[Message] = []
    for person in msgspec.convert(state.people, list[Person]):
        if person.oa_id in world.people:
            world.people[person.oa_id][person.user_id] = person
            kept.extend(person.messages)
    world.take_up(sorted(kept, key=lambda message: message.at))
    world.uploads.kept = {upload.id: upload for upload in state.uploads}
    world.zbs_sent = state.zbs_sent
    return True


async def keep_saving(world: World, path: Path) -> None:
    """Save every few seconds while something changes."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        if world.dirty:
            save(world, path)
