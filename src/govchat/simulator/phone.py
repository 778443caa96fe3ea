"""The phone page: one picks a province and a test citizen, chats with the OA, and sees every raw webhook and send beside it.

Plain HTML, CSS and JavaScript from `static/`; what happens arrives live as server-sent events. Acts go through the control API.
"""

import asyncio
from pathlib import Path
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from govchat.simulator.calls import WORLD
from govchat.simulator.control_acts import answer, bad, oa_named
from govchat.simulator.world import OaConfig, World

STATIC = Path(__file__).parent / "static"
HEARTBEAT_SECONDS = 15.0
EXCHANGES_SHOWN = 60

_encode = msgspec.json.Encoder().encode


async def page(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


async def choices(request: web.Request) -> web.Response:
    """`GET /_phone/choices`: the OAs and the test citizens one can be."""
    world = request.app[WORLD]
    return answer(
        {
            "oas": [{"oa_id": oa.oa_id, "slug": oa.slug, "name": oa.name} for oa in world.oas],
            "citizens": [
                {"key": one.key, "name": one.name, "phone": one.phone, "address": one.address, "colour": one.colour}
                for one in world.citizens
            ],
        }
    )


def _meant(request: web.Request) -> tuple[World, OaConfig, str]:
    world, query = request.app[WORLD], request.query
    oa = oa_named(world, query.get("oa", ""))
    if query.get("user"):
        return world, oa, query["user"]
    key = query.get("citizen", "")
    if key not in {citizen.key for citizen in world.citizens}:
        raise bad(f'citizen "{key}": expected one of {", ".join(citizen.key for citizen in world.citizens)}')
    return world, oa, world.user_id_of(oa.oa_id, key)


async def chat(request: web.Request) -> web.Response:
    """`GET /_phone/chat?oa=&citizen=`: the conversation so far and what went over the wire for it."""
    world, oa, user_id = _meant(request)
    person = world.find(oa.oa_id, user_id)
    wire = [one for one in world.exchanges if one.oa_id == oa.oa_id and one.user_id == user_id]
    return answer(
        {
            "user_id": user_id,
            "follows": bool(person and person.follows),
            "messages": [message.shown() for message in world.messages(oa.oa_id, user_id)],
            "exchanges": [one.shown() for one in wire[-EXCHANGES_SHOWN:]],
        }
    )


async def live(request: web.Request) -> web.StreamResponse:
    """`GET /_phone/live?oa=&citizen=`: server-sent events `message`, `exchange`, `person`, `seen`, `reaction`."""
    world, oa, user_id = _meant(request)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    queue = world.listen(oa.oa_id, user_id)
    try:
        await response.prepare(request)
        await response.write(b": hello\n\n")
        while True:
            try:
                kind, what = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            if kind == "close":
                return response
            await response.write(b"event: " + kind.encode() + b"\ndata: " + _encode(what) + b"\n\n")
    except ConnectionError:
        return response  # the browser left
    finally:
        world.hush(oa.oa_id, user_id, queue)


async def file(request: web.Request) -> web.Response:
    """`GET /_files/{id}`: what an OA uploaded or a citizen sent."""
    uploads = request.app[WORLD].uploads
    upload = uploads.kept.get(request.match_info["id"])
    data = uploads.read(upload) if upload else None
    if upload is None or data is None:
        raise web.HTTPNotFound(text="no such file")
    # Never as a page of this origin, whatever was uploaded.
    safe = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox", "Cache-Control": "max-age=86400"}
    return web.Response(body=data, content_type=upload.content_type, headers=safe)


async def official_link(request: web.Request) -> web.Response:
    """`GET /oa/{oa_id}?text=`: what https://zalo.me/<oa_id> does on a phone, the chat with the words prefilled."""
    oa = oa_named(request.app[WORLD], request.match_info["oa"])
    query = {"oa": oa.slug, **({"text": request.query["text"]} if "text" in request.query else {})}
    return web.Response(status=302, headers={"Location": f"/?{urlencode(query)}"})


async def hang_up(world: World) -> None:
    """Let every live stream end, so that the server can."""
    for queue in world.everyone_listening():
        queue.put_nowait(("close", None))


def routes() -> list[web.AbstractRouteDef]:
    return [
        web.get("/", page),
        web.get("/_phone/choices", choices),
        web.get("/_phone/chat", chat),
        web.get("/_phone/live", live),
        web.get("/_files/{id}", file),
        web.get("/oa/{oa}", official_link),
        web.static("/static", STATIC),
    ]
