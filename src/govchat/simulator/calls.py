"""What every API call goes through before and after it is carried out: token, limits, faults, envelope, rate headers, inspector.

A handler is a plain function from `Call` to the `data` of the answer; `api` wraps it for one of the two API hosts.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from govchat.simulator import refusals
from govchat.simulator.limits import admit
from govchat.simulator.refusals import Absent, Refusal
from govchat.simulator.webhooks import Courier
from govchat.simulator.world import Exchange, OaConfig, World

WORLD = web.AppKey("world", World)
COURIER = web.AppKey("courier", Courier)

_encode = msgspec.json.Encoder().encode
_BEFORE = ("latency", "hang", "reset", "http", "error")


@dataclass(slots=True)
class Call:
    """One API call in the name of `oa`. `now` is Unix seconds; a handler sets `user_id` once it knows who is meant."""

    request: web.Request
    world: World
    courier: Courier
    oa: OaConfig
    now: float
    body: bytes
    user_id: str = ""
    room: int = -1

    @property
    def at(self) -> int:
        return int(self.now * 1000)


Act = Callable[[Call], Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class _Host:
    """How one host says no. ZBS sends are not counted in the limits of OA and app (fact sheet §8)."""

    table: dict[int, str]
    bad_token: int | None
    bad_proof: int
    bad_type: int
    counted: bool


_OPENAPI = _Host(refusals.OA, None, -242, -201, True)
_BUSINESS = _Host(refusals.ZBS, -124, -1241, -122, False)


def api(name: str, act: Act, *, business: bool = False, multipart: bool = False) -> Handler:
    """The aiohttp handler of an API call. `name` is what faults aim at: cs, template, upload, read, write, zbs."""
    host = _BUSINESS if business else _OPENAPI

    async def handle(request: web.Request) -> web.StreamResponse:
        begun = time.perf_counter()
        world = request.app[WORLD]
        body = await request.read() if request.body_exists and not multipart else b""
        call: Call | None = None
        try:
            call = _enter(request, world, host, body)
            _check(call, host)
            if world.faults:
                broken = await _break(call, name)
                if broken is not None:
                    return broken
            data = act(call)
            if multipart:
                data = await data
            response = _answer(call, {"data": data, "error": 0, "message": "Success"})
        except Refusal as refusal:
            code = refusal.code
            world.stats.refuse(call.oa.oa_id if call else "", code)
            response = _answer(call, {"error": code, "message": refusals.wording(host.table, code, refusal.detail)})
        except Absent:
            return await absent(request)
        if call is not None:
            _show(call, response, begun)
            if world.faults:
                _lose(call, name)
        return response

    return handle


async def absent(_request: web.Request) -> web.Response:
    """There is no such call."""
    return web.json_response({"error": 404, "message": "Empty api"}, status=404)


def _enter(request: web.Request, world: World, host: _Host, body: bytes) -> Call:
    """Who calls? Raises `Refusal`."""
    token = request.headers.get("access_token")
    now = world.now()
    if not token:
        if "access_token" in request.query:  # the platform has no such address
            raise Absent
        raise Refusal(host.bad_token or -216, "header access_token is missing")
    try:
        oa = world.oa_by_id[world.tokens.oa_of(token, now)]
    except Refusal as refusal:
        raise Refusal(host.bad_token or refusal.code, refusal.detail) from refusal
    return Call(request, world, request.app[COURIER], oa, now, body)


def _check(call: Call, host: _Host) -> None:
    """Limits first, then the headers: a refused request was a request. Raises `Refusal`."""
    request, world, oa = call.request, call.world, call.oa
    if host.counted:
        who, call.room = admit(world.oa_meters[oa.oa_id], world.app_meters[oa.app_id], call.now)
        if who:
            raise Refusal(-32, f"application {oa.app_id}" if who == "app" else f"Official Account {oa.oa_id}")
    proof = request.headers.get("appsecret_proof")
    if proof is not None:
        key = world.app_by_id[oa.app_id].app_secret.encode()
        expected = hmac.new(key, request.headers["access_token"].encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), proof.encode()):
            raise Refusal(host.bad_proof)
    if call.body and not request.content_type.endswith("json"):
        raise Refusal(host.bad_type, f"Content-Type {request.content_type} is not application/json")


def _answer(call: Call | None, envelope: dict[str, Any]) -> web.Response:
    headers = None
    if call is not None and call.room >= 0:
        limit = str(call.world.oa_meters[call.oa.oa_id].limit)
        headers = {"X-RateLimit-Limit": limit, "X-RateLimit-Remain": str(call.room)}
    return web.Response(body=_encode(envelope), headers=headers, content_type="application/json", charset="utf-8")


def aimed(body: bytes) -> str:
    """The user or phone a body is about, as far as one can tell without judging it."""
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if not isinstance(given, dict):
        return ""
    recipient = given.get("recipient")
    inner = recipient.get("user_id") if isinstance(recipient, dict) else None
    return str(inner or given.get("user_id") or given.get("phone") or "")


async def _break(call: Call, name: str) -> web.StreamResponse | None:
    """Let the faults in force strike before anything is done. Answers the broken answer, or None to go on."""
    world, oa = call.world, call.oa
    for fault in world.faults.strike(_BEFORE, oa.oa_id, oa.slug, user=aimed(call.body), call=name):
        world.stats.faults[fault.kind] += 1
        match fault.kind:
            case "latency":
                await asyncio.sleep(world.faults.delay(fault))
            case "hang":
                await asyncio.sleep(fault.seconds)
                return cut(call.request)
            case "reset":
                return cut(call.request)
            case "http":
                return web.Response(status=fault.status, text="<html>Zalo is busy</html>", content_type="text/html")
            case _:
                raise Refusal(fault.code, "fault on demand")
    return None


def _lose(call: Call, name: str) -> None:
    world, oa = call.world, call.oa
    for fault in world.faults.strike(("reply_lost",), oa.oa_id, oa.slug, user=aimed(call.body), call=name):
        world.stats.faults[fault.kind] += 1
        cut(call.request)


def cut(request: web.Request) -> web.Response:
    """Cut the connection as a reset; what is answered afterwards reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _show(call: Call, response: web.Response, begun: float) -> None:
    """Hand the exchange to the inspector: sends to people only, and not those to seeded followers."""
    if call.request.method != "POST":
        return
    user_id = call.user_id or aimed(call.body)
    if not user_id or user_id.startswith("dev-"):
        return
    request = call.request
    token = request.headers["access_token"]
    headers = {"access_token": f"…{token[-6:]}", "Content-Type": request.content_type}
    headers |= {name: value for name, value in response.headers.items() if name.startswith("X-")}
    answer = response.body.decode() if isinstance(response.body, bytes) else ""
    call.world.exchanged(
        Exchange(
            "send",
            call.at,
            call.oa.oa_id,
            user_id,
            request.path,
            f"POST {request.path}",
            headers,
            call.body.decode("utf-8", "replace"),
            response.status,
            answer,
            round((time.perf_counter() - begun) * 1000, 2),
        )
    )
