"""The citizens' half of the control API: `POST /_control/users/{oa}/{user}/{act}` does what a citizen would do on the phone.

Also the small door through which tests change what a person is: blocked, banned, last seen days ago.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from govchat.simulator.acts import Acts
from govchat.simulator.people import Person
from govchat.simulator.webhooks import Delivery
from govchat.simulator.world import OaConfig, World

ACTS = web.AppKey("acts", Acts)
_encode = msgspec.json.Encoder().encode
T = TypeVar("T")


class Text(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    quote: str = ""


class Tap(msgspec.Struct, forbid_unknown_fields=True):
    payload: str
    show: bool = True


class Image(msgspec.Struct, forbid_unknown_fields=True):
    """`data`: the picture in base64; left out, a one-pixel PNG."""

    data: str = (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # one pixel
    )
    name: str = "anh.png"
    text: str = ""


class Location(msgspec.Struct, forbid_unknown_fields=True):
    latitude: float = 21.028511
    longitude: float = 105.804817


class Info(msgspec.Struct, forbid_unknown_fields=True):
    name: str = ""
    phone: str = ""
    address: str = ""
    city: str = ""
    ward: str = ""
    dob: str = ""
    gender: str = ""


class Attachment(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    payload: dict[str, Any]
    text: str = ""


class Reaction(msgspec.Struct, forbid_unknown_fields=True):
    message_id: str
    icon: str = "/-strong"


class Shift(msgspec.Struct, forbid_unknown_fields=True):
    """`seconds` since the last interaction, as it shall seem; null: never interacted."""

    seconds: float | None


async def body_of(request: web.Request, wanted: type[T]) -> T:
    raw = await request.read() or b"{}"
    try:
        return msgspec.json.decode(raw, type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad(str(error)) from error


def answer(data: Any) -> web.Response:
    return web.Response(body=_encode(data), content_type="application/json", charset="utf-8")


def bad(detail: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=_encode({"error": detail}).decode(), content_type="application/json")


def missing(detail: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=_encode({"error": detail}).decode(), content_type="application/json")


def oa_named(world: World, oa: str) -> OaConfig:
    try:
        return world.oa(oa)
    except KeyError as error:
        raise missing(f'OA "{oa}": neither an id nor a slug known here, see GET /_control/oas') from error


async def act(request: web.Request) -> web.Response:
    """`POST /_control/users/{oa}/{user}/{act}`: act as a citizen; answers how the webhook went."""
    acts, name = request.app[ACTS], request.match_info["act"]
    oa, user = oa_named(acts.world, request.match_info["oa"]).oa_id, request.match_info["user"]
    done = _ACTS.get(name)
    if done is not None:
        delivery = await done(acts, oa, user, request)
        return answer(delivery.shown() if delivery else {"sent": False, "error": "nothing new to see"})
    state = _STATES.get(name)
    if state is None:
        raise bad(f'act "{name}": expected one of {", ".join(sorted([*_ACTS, *_STATES]))}')
    person = acts.world.person(oa, user)
    await state(person, request, acts.world)
    acts.world.dirty = True
    return answer(person_shown(person))


async def _text(acts: Acts, oa: str, user: str, request: web.Request) -> Delivery:
    given = await body_of(request, Text)
    return await acts.say(oa, user, given.text, given.quote)


async def _tap(acts: Acts, oa: str, user: str, request: web.Request) -> Delivery:
    given = await body_of(request, Tap)
    return await acts.tap(oa, user, given.payload, given.show)


async def _image(acts: Acts, oa: str, user: str, request: web.Request) -> Delivery:
    given = await body_of(request, Image)
    try:
        data = base64.b64decode(given.data, validate=True)
    except binascii.Error as error:
        raise bad("data: expected base64") from error
    return await acts.send_image(oa, user, data, given.name, given.text)


async def _location(acts: Acts, oa: str, user: str, request: web.Request) -> Delivery:
    given = await body_of(request, Location)
    return await acts.send_location(oa, user, given.latitude, given.longitude)


async def _info(acts: Acts, oa: str, user: str, request: web.Request) -> Delivery:
    return await acts.submit_info(oa, user, msgspec.structs.asdict(await body_of(request, Info)))


async def _attachment(acts: Acts, oa: str, user: str, request: web.Request) -> Delivery:
    given = await body_of(request, Attachment)
    return await acts.send_attachment(oa, user, given.kind, given.payload, given.text)


async def _react(acts: Acts, oa: str, user: str, request: web.Request) -> Delivery:
    given = await body_of(request, Reaction)
    return await acts.react(oa, user, given.message_id, given.icon)


async def _hand(acts: Acts, oa: str, user: str, request: web.Request) -> Delivery:
    return await acts.type_by_hand(oa, user, (await body_of(request, Text)).text)


_ACTS: dict[str, Callable[[Acts, str, str, web.Request], Awaitable[Delivery | None]]] = {
    "text": _text,
    "tap": _tap,
    "image": _image,
    "location": _location,
    "submit_info": _info,
    "attachment": _attachment,
    "react": _react,
    "admin_text": _hand,
    "follow": lambda acts, oa, user, _: acts.follow(oa, user),
    "unfollow": lambda acts, oa, user, _: acts.unfollow(oa, user),
    "click_chat": lambda acts, oa, user, _: acts.click_chat(oa, user),
    "see": lambda acts, oa, user, _: acts.see(oa, user),
    "withdraw": lambda acts, oa, user, _: acts.withdraw(oa, user),
}


async def _shift(person: Person, request: web.Request, world: World) -> None:
    seconds = (await body_of(request, Shift)).seconds
    person.last_interaction = None if seconds is None else world.now() - seconds


def _flag(name: str, value: bool) -> Callable[[Person, web.Request, World], Awaitable[None]]:
    async def change(person: Person, _request: web.Request, _world: World) -> None:
        setattr(person, name, value)

    return change


_STATES: dict[str, Callable[[Person, web.Request, World], Awaitable[None]]] = {
    "last_interaction": _shift,
    "block": _flag("blocked", True),
    "unblock": _flag("blocked", False),
    "ban": _flag("banned", True),
    "unban": _flag("banned", False),
}


def person_shown(person: Person) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(person)
    del fields["messages"]
    return fields
