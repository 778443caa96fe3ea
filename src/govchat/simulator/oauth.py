"""oauth.zaloapp.com: the consent page of an OA's administrator and the token endpoint.

Refusals come with HTTP 200 and their own shape: `error`, `error_name`, `error_reason`, `error_description`, `ref_doc`,
never `message`. A rotation is written to the state file before it is answered.
"""

import asyncio
import hmac
from collections.abc import Mapping
from html import escape
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from govchat.simulator import persist, refusals
from govchat.simulator.calls import WORLD, cut
from govchat.simulator.refusals import Refusal
from govchat.simulator.tokens import ACCESS_SECONDS, REFRESH_SECONDS, Pair
from govchat.simulator.world import AppConfig, World

STATE_PATH = web.AppKey("state_path", Path)
_PAGE = (Path(__file__).parent / "static" / "consent.html").read_text(encoding="utf-8")


def _app(world: World, app_id: str | None) -> AppConfig:
    app = world.app_by_id.get(app_id or "")
    if app is None:
        raise Refusal(-14002)
    return app


def _refused(refusal: Refusal) -> web.Response:
    name = refusals.OAUTH.get(refusal.code, "Refused")
    return web.json_response(
        {
            "error": refusal.code,
            "error_name": name,
            "error_reason": refusal.detail or name,
            "error_description": refusal.detail or name,
            "ref_doc": "https://developers.zalo.me/docs/official-account/bat-dau/xac-thuc-va-uy-quyen-cho-ung-dung-new",
        }
    )


async def access_token(request: web.Request) -> web.StreamResponse:
    """`POST /v4/oa/access_token`: form fields, header `secret_key`."""
    world = request.app[WORLD]
    form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    try:
        app = _trusted(request, world, form)
        oa_ids = {oa.oa_id for oa in world.oas if oa.app_id == app.app_id}
        aim = next(
            (
                oa
                for oa in oa_ids
                if f".{oa}." in form.get("refresh_token", "") or form.get("refresh_token", "").endswith(oa)
            ),
            "",
        )
        broken = await _break(request, world, aim)
        if broken is not None:
            return broken
        oa_id, pair = _granted(world, app, oa_ids, form)
    except Refusal as refusal:
        world.stats.refuse("", refusal.code)
        return _refused(refusal)
    world.stats.rotations[oa_id] += 1
    path = request.app.get(STATE_PATH)
    if path is not None:
        persist.save(world, path)
    response = web.json_response(
        {
            "access_token": pair.access_token,
            "refresh_token": pair.refresh_token,
            "expires_in": str(ACCESS_SECONDS),
            "refresh_token_expires_in": str(REFRESH_SECONDS),
        }
    )
    slug = world.oa_by_id[oa_id].slug
    for fault in world.faults.strike(("reply_lost",), oa_id, slug, call="token"):
        world.stats.faults[fault.kind] += 1
        cut(request)
    return response


def _trusted(request: web.Request, world: World, form: Mapping[str, str]) -> AppConfig:
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refusal(-14012, "Content-Type must be application/x-www-form-urlencoded")
    app = _app(world, form.get("app_id"))
    given = request.headers.get("secret_key")
    if given is None:
        raise Refusal(-14012, "header secret_key is missing")
    if not hmac.compare_digest(given.encode(), app.app_secret.encode()):
        raise Refusal(-14012, "header secret_key is wrong")
    return app


def _granted(world: World, app: AppConfig, oa_ids: set[str], form: Mapping[str, str]) -> tuple[str, Pair]:
    match form.get("grant_type"):
        case "refresh_token":
            if not form.get("refresh_token"):
                raise Refusal(-14012, "refresh_token is missing")
            return world.tokens.refresh(oa_ids, form["refresh_token"], world.now())
        case "authorization_code":
            if not form.get("code"):
                raise Refusal(-14012, "code is missing")
            return world.tokens.exchange(app.app_id, form["code"], form.get("code_verifier", ""), world.now())
        case other:
            raise Refusal(-14012, f"grant_type {other!r} is invalid")


async def _break(request: web.Request, world: World, oa_id: str) -> web.StreamResponse | None:
    if not world.faults:
        return None
    slug = world.oa_by_id[oa_id].slug if oa_id else ""
    for fault in world.faults.strike(("latency", "hang", "reset", "http", "error"), oa_id, slug, call="token"):
        world.stats.faults[fault.kind] += 1
        match fault.kind:
            case "latency":
                await asyncio.sleep(world.faults.delay(fault))
            case "http":
                return web.Response(status=fault.status, text="<html>Zalo is busy</html>", content_type="text/html")
            case "error":
                raise Refusal(fault.code, "fault on demand")
            case kind:
                await asyncio.sleep(fault.seconds if kind == "hang" else 0)
                return cut(request)
    return None


def _redirect_uri(app: AppConfig, given: str) -> str:
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname or (app.callback_url and given != app.callback_url):
        raise Refusal(-14003)
    return given


async def permission(request: web.Request) -> web.Response:
    """`GET /v4/oa/permission`: the page on which an administrator picks an OA of the app and grants it."""
    world, query = request.app[WORLD], request.query
    try:
        app = _app(world, query.get("app_id"))
        redirect_uri = _redirect_uri(app, query.get("redirect_uri", ""))
    except Refusal as refusal:
        return _refused(refusal)
    options = "".join(
        f'<label><input type="radio" name="oa_id" value="{escape(oa.oa_id)}" required'
        f"{' checked' if query.get('oa_id') == oa.oa_id else ''}> "
        f"<span>{escape(oa.name)}<small>{escape(oa.oa_id)}</small></span></label>"
        for oa in sorted(world.oas, key=lambda one: one.name)
        if oa.app_id == app.app_id
    )
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in {
            "app_id": app.app_id,
            "redirect_uri": redirect_uri,
            "state": query.get("state", ""),
            "code_challenge": query.get("code_challenge", ""),
        }.items()
    )
    page = _PAGE.replace("{{app}}", escape(app.name)).replace("{{oas}}", options).replace("{{hidden}}", hidden)
    return web.Response(text=page, content_type="text/html")


async def grant(request: web.Request) -> web.Response:
    """`POST /v4/oa/permission`: the administrator pressed the button; back to the app with `oa_id`, `code` and `state`."""
    world = request.app[WORLD]
    form = {name: str(value) for name, value in (await request.post()).items()}
    try:
        app = _app(world, form.get("app_id"))
        redirect_uri = _redirect_uri(app, form.get("redirect_uri", ""))
        answer = {} if "refused" in form else _chosen(world, app, form)
    except Refusal as refusal:
        return _refused(refusal)
    if form.get("state"):
        answer["state"] = form["state"]
    joint = "&" if urlsplit(redirect_uri).query else "?"
    return web.Response(status=302, headers={"Location": f"{redirect_uri}{joint}{urlencode(answer)}"})


def _chosen(world: World, app: AppConfig, form: Mapping[str, str]) -> dict[str, str]:
    oa = world.oa_by_id.get(form.get("oa_id", ""))
    if oa is None or oa.app_id != app.app_id:
        raise Refusal(-14012, "oa_id is not an Official Account of this app")
    return {
        "oa_id": oa.oa_id,
        "code": world.tokens.consent(app.app_id, oa.oa_id, form.get("code_challenge", ""), world.now()),
    }
