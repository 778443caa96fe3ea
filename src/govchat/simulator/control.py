"""The control API under `/_control/`: tests and load tests break things, change limits, read counters.

JSON in and out; a mistake in the body is answered with HTTP 400 and a sentence. docs/simulator.md lists every call.
"""

import msgspec
from aiohttp import web

from govchat.simulator.calls import COURIER, WORLD
from govchat.simulator.control_acts import ACTS, act, answer, bad, body_of, missing, oa_named, person_shown
from govchat.simulator.faults import Fault


class Limits(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; `oa` or `app` narrow the first three to one OA or app."""

    oa: str = ""
    app: str = ""
    lifted: bool | None = None
    oa_per_minute: int | None = None
    app_per_minute: int | None = None
    zbs_daily: int | None = None
    echo: bool | None = None
    receipts: bool | None = None
    ladder_scale: float | None = None
    webhook_timeout: float | None = None
    retry_on: str | None = None


class Seed(msgspec.Struct, forbid_unknown_fields=True):
    """`oa` empty: every OA. `said`: what each of them wrote then, so that their conversations are not empty."""

    count: int
    oa: str = ""
    said: str = ""


class Burst(msgspec.Struct, forbid_unknown_fields=True):
    per_second: float
    seconds: float
    texts: list[str]
    oas: list[str] = []
    users: int = 1000


async def user(request: web.Request) -> web.Response:
    """`GET /_control/users/{oa}/{user}`: the person as the simulator knows them."""
    world = request.app[WORLD]
    person = world.find(oa_named(world, request.match_info["oa"]).oa_id, request.match_info["user"])
    if person is None:
        raise missing("nobody here by that id")
    return answer(person_shown(person))


async def messages(request: web.Request) -> web.Response:
    """`GET /_control/messages?oa=&user=`: what was said, oldest first; `from=oa` or `from=user` narrows, `limit` keeps the last."""
    world, query = request.app[WORLD], request.query
    found = world.messages(oa_named(world, query.get("oa", "")).oa_id, query.get("user", ""))
    if query.get("from") in ("oa", "user"):
        found = [message for message in found if message.outgoing == (query["from"] == "oa")]
    limit = query.get("limit", "1000")
    if not limit.isdecimal():
        raise bad(f'limit "{limit}": expected a number')
    return answer([message.shown() for message in found[-int(limit) :]])


async def answers(request: web.Request) -> web.Response:
    """`GET /_control/answers?oa=&user=&count=1&timeout=10`: wait for what the OA says after this person's last act."""
    acts, query = request.app[ACTS], request.query
    oa, person = oa_named(acts.world, query.get("oa", "")).oa_id, query.get("user", "")
    try:
        count, seconds = int(query.get("count", "1")), float(query.get("timeout", "10"))
    except ValueError as error:
        raise bad("count and timeout must be numbers") from error
    try:
        return answer([message.shown() for message in await acts.answers(oa, person, count, seconds)])
    except TimeoutError as error:
        return web.json_response({"error": str(error)}, status=504)


async def oas(request: web.Request) -> web.Response:
    """`GET /_control/oas`."""
    world = request.app[WORLD]
    return answer(
        [
            {
                "oa_id": oa.oa_id,
                "app_id": oa.app_id,
                "slug": oa.slug,
                "name": oa.name,
                "requests_per_minute": world.oa_meters[oa.oa_id].limit,
                "webhook_url": world.app_by_id[oa.app_id].webhook_url,
                "followers": world.followers(oa.oa_id),
            }
            for oa in world.oas
        ]
    )


async def add_fault(request: web.Request) -> web.Response:
    """`POST /_control/faults`: one rule, or a list of rules."""
    world = request.app[WORLD]
    raw = (await request.read()).lstrip()
    given = await body_of(request, list[Fault]) if raw.startswith(b"[") else [await body_of(request, Fault)]
    for fault in given:
        if fault.oa:
            oa_named(world, fault.oa)
    return answer([msgspec.to_builtins(world.faults.add(fault)) for fault in given])


async def faults(request: web.Request) -> web.Response:
    return answer(request.app[WORLD].faults.listed())


async def drop_faults(request: web.Request) -> web.Response:
    """`DELETE /_control/faults` all of them, `?id=` one."""
    world, wanted = request.app[WORLD], request.query.get("id")
    if wanted is None:
        world.faults.clear()
    elif not wanted.isdecimal() or not world.faults.remove(int(wanted)):
        raise bad(f'id "{wanted}": no such fault, see GET /_control/faults')
    return answer(world.faults.listed())


async def stats(request: web.Request) -> web.Response:
    """`GET /_control/stats`: counters, and per OA and app the limit, the maxima seen and how often it was passed."""
    world = request.app[WORLD]
    oas = {world.oa_by_id[oa_id].slug: meter.report() for oa_id, meter in world.oa_meters.items()}
    apps = {world.app_by_id[app_id].name: meter.report() for app_id, meter in world.app_meters.items()}
    return answer(
        {
            **world.stats.report(),
            "over_limit": sum(int(meter["over_limit"]) for meter in (*oas.values(), *apps.values())),
            "webhooks_waiting": request.app[COURIER].waiting(),
            "oas": oas,
            "apps": apps,
        }
    )


async def reset_stats(request: web.Request) -> web.Response:
    """`DELETE /_control/stats`: count anew, windows included."""
    world = request.app[WORLD]
    world.stats = type(world.stats)()
    for meter in (*world.oa_meters.values(), *world.app_meters.values()):
        meter.forget()
    return answer({})


async def limits(request: web.Request) -> web.Response:
    """`POST /_control/limits`: change limits and options, for all or for one OA or app."""
    world, given = request.app[WORLD], await body_of(request, Limits)
    if given.retry_on not in (None, "any", "connection"):
        raise bad(f'retry_on "{given.retry_on}": expected any or connection')
    if given.app and given.app not in world.app_by_id:
        raise bad(f'app "{given.app}": no such app id')
    oa_meters = [world.oa_meters[oa_named(world, given.oa).oa_id]] if given.oa else list(world.oa_meters.values())
    app_meters = [world.app_meters[given.app]] if given.app else list(world.app_meters.values())
    if given.lifted is not None:
        for meter in [
            *([] if given.app and not given.oa else oa_meters),
            *([] if given.oa and not given.app else app_meters),
        ]:
            meter.lifted = given.lifted
    for meters, limit in ((oa_meters, given.oa_per_minute), (app_meters, given.app_per_minute)):
        for meter in meters if limit is not None else []:
            meter.limit = limit or 0
    if given.zbs_daily is not None:
        world.quotas.zbs_daily = given.zbs_daily
    for name in ("echo", "receipts", "ladder_scale", "webhook_timeout", "retry_on"):
        if getattr(given, name) is not None:
            setattr(world.options, name, getattr(given, name))
    return answer(msgspec.to_builtins(world.options))


async def seed(request: web.Request) -> web.Response:
    """`POST /_control/seed`: `dev-<slug>-1…count` follow and interacted just now, by writing `said` if it is given; no webhooks."""
    world, given = request.app[WORLD], await body_of(request, Seed)
    if given.count < 1:
        raise bad(f"count {given.count}: expected at least 1")
    chosen = [oa_named(world, given.oa)] if given.oa else world.oas
    for oa in chosen:
        world.seed(oa.oa_id, given.count, given.said)
    return answer({oa.slug: world.followers(oa.oa_id) for oa in chosen})


async def token(request: web.Request) -> web.Response:
    """`POST /_control/token/{oa}/{act}`: expire the access token, revoke the consent, or reset to the first refresh token."""
    world, name = request.app[WORLD], request.match_info["act"]
    book = world.tokens
    done = {"expire": book.expire, "revoke": book.revoke, "reset": book.reset}.get(name)
    if done is None:
        raise bad(f'"{name}": expected expire, revoke or reset')
    done(oa_named(world, request.match_info["oa"]).oa_id)
    world.dirty = True
    return answer({})


async def verify_webhook(request: web.Request) -> web.Response:
    """`POST /_control/webhook/{app}/verify`: what saving the URL in the console does, an unsigned `{}`."""
    app = request.app[WORLD].app_by_id.get(request.match_info["app"])
    if app is None:
        raise bad(f'app "{request.match_info["app"]}": no such app id')
    return answer({"status": await request.app[COURIER].verify(app)})


async def burst(request: web.Request) -> web.Response:
    """`POST /_control/burst`: seeded followers write at an even rate; answers when all webhooks were delivered once."""
    acts, given = request.app[ACTS], await body_of(request, Burst)
    chosen = [oa_named(acts.world, oa).oa_id for oa in given.oas] or [oa.oa_id for oa in acts.world.oas]
    if given.per_second <= 0 or not given.texts or given.users < 1:
        raise bad("per_second above 0, at least one text and at least one user are needed")
    return answer(await acts.burst(chosen, given.per_second, given.seconds, given.texts, given.users))


def routes() -> list[web.RouteDef]:
    return [
        web.post("/_control/users/{oa}/{user}/{act}", act),
        web.get("/_control/users/{oa}/{user}", user),
        web.get("/_control/messages", messages),
        web.get("/_control/answers", answers),
        web.get("/_control/oas", oas),
        web.get("/_control/faults", faults),
        web.post("/_control/faults", add_fault),
        web.delete("/_control/faults", drop_faults),
        web.get("/_control/stats", stats),
        web.delete("/_control/stats", reset_stats),
        web.post("/_control/limits", limits),
        web.post("/_control/seed", seed),
        web.post("/_control/token/{oa}/{act}", token),
        web.post("/_control/webhook/{app}/verify", verify_webhook),
        web.post("/_control/burst", burst),
    ]
