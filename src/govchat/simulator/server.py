"""The false Zalo as a server: all three hosts, the control API and the phone page on one port, told apart by path.

`start` is for tests and for `govchat up`; `run` is the command `govchat simulator`.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from aiohttp import web

from govchat.errors import ConfigurationError
from govchat.simulator import articles, business, control, oauth, persist, phone, reads, sends, template_acts
from govchat.simulator.acts import Acts
from govchat.simulator.calls import COURIER, WORLD, absent, api
from govchat.simulator.control_acts import ACTS
from govchat.simulator.oauth import STATE_PATH
from govchat.simulator.webhooks import Courier
from govchat.simulator.world import World

BODY_MAX = 24 * 1024 * 1024  # pictures of the phone page travel as base64


class Running(Acts):
    """A simulator that listens at `url`. Acts of citizens are its methods; `close` ends it."""

    def __init__(
        self, world: World, courier: Courier, runner: web.AppRunner, url: str, state_path: Path | None
    ) -> None:
        super().__init__(world, courier)
        self.url = url
        self._runner = runner
        self._state_path = state_path
        self._saver = asyncio.create_task(persist.keep_saving(world, state_path)) if state_path else None

    async def close(self) -> None:
        """Stop listening, hang up, write the state down."""
        if self._saver:
            self._saver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._saver
            self._saver = None
        await phone.hang_up(self.world)
        await self._runner.cleanup()
        await self.courier.close()
        if self._state_path:
            persist.save(self.world, self._state_path)

    async def __aenter__(self) -> "Running":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _openapi() -> list[web.RouteDef]:
    post, get = web.post, web.get
    uploads = [
        post(f"/v2.0/oa/upload/{kind}", api("upload", partial(reads.upload, kind=kind), multipart=True))
        for kind in ("image", "gif", "file")
    ]
    retired = api("read", sends.retired)
    stopped = api("template", sends.stopped)
    return [
        post("/v3.0/oa/message/cs", api("cs", sends.consult)),
        post("/v3.0/oa/message/template", api("template", sends.template)),
        post("/v3.0/oa/message/transaction", stopped),
        post("/v3.0/oa/message/promotion", stopped),
        post("/v2.0/oa/message", api("cs", sends.old_message)),
        post("/v2.0/article/create", api("article", articles.create)),
        post("/v2.0/article/verify", api("article", articles.verify)),
        *uploads,
        get("/v3.0/oa/user/detail", api("read", reads.user_detail)),
        get("/v3.0/oa/user/getlist", api("read", reads.user_list)),
        post("/v3.0/oa/user/update", api("write", reads.user_update)),
        get("/v2.0/oa/listrecentchat", api("read", reads.recent_chats)),
        get("/v2.0/oa/conversation", api("read", reads.conversation)),
        get("/v2.0/oa/getoa", api("read", reads.official_account)),
        get("/v2.0/oa/tag/gettagsofoa", api("read", reads.tags)),
        post("/v2.0/oa/tag/tagfollower", api("write", reads.tag_follower)),
        post("/v2.0/oa/tag/rmfollowerfromtag", api("write", reads.untag_follower)),
        post("/v2.0/oa/tag/rmtag", api("write", reads.remove_tag)),
        post("/v3.0/oa/quota/message", api("read", reads.quota)),
        get("/v2.0/oa/getprofile", retired),
        get("/v2.0/oa/getfollowers", retired),
        post("/v2.0/oa/updatefollowerinfo", retired),
        web.route("*", "/v{version}.0/oa/{rest:.*}", absent),
    ]


def _business() -> list[web.RouteDef]:
    post, get = web.post, web.get
    return [
        post("/message/template", api("zbs", business.send, business=True)),
        post("/message/template/hashphone", api("zbs", business.send_hashed, business=True)),
        get("/message/status", api("read", business.status, business=True)),
        get("/message/quota", api("read", business.quota, business=True)),
        get("/message/template-tag", api("read", business.template_tags, business=True)),
        get("/quality", api("read", business.quality, business=True)),
        get("/template/all", api("read", business.template_list, business=True)),
        get("/template/info/v2", api("read", business.template_info, business=True)),
        get("/template/sample-data", api("read", business.template_sample, business=True)),
    ]


def _oauth() -> list[web.RouteDef]:
    return [
        web.post("/v4/oa/access_token", oauth.access_token),
        web.get("/v4/oa/permission", oauth.permission),
        web.post("/v4/oa/permission", oauth.grant),
    ]


async def start(world: World, host: str = "127.0.0.1", port: int = 0, state_path: Path | None = None) -> Running:
    """Listen; `port` 0 takes a free one. `state_path`: the JSON file that survives a restart.

    Raises `ConfigurationError` when the port is taken.
    """
    if state_path:
        persist.load(world, state_path)
    courier = Courier(world)
    app = web.Application(client_max_size=BODY_MAX)
    app[WORLD], app[COURIER], app[ACTS] = world, courier, Acts(world, courier)
    if state_path:
        app[STATE_PATH] = state_path
    app.add_routes([*_openapi(), *_oauth(), *_business(), *control.routes(), *template_acts.routes(), *phone.routes()])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
    except OSError as error:
        await runner.cleanup()
        raise ConfigurationError(
            f"simulator port {port} on {host}: {error.strerror}; choose another with --simulator-port"
        ) from error
    await courier.open()
    bound = runner.addresses[0][1]
    shown = f"[{host}]" if ":" in host else host
    world.base_url = f"http://{'127.0.0.1' if host == '0.0.0.0' else shown}:{bound}"  # noqa: S104  compared, not bound
    return Running(world, courier, runner, world.base_url, state_path)


def run(
    world: World,
    host: str = "127.0.0.1",
    port: int = 8001,
    state_path: Path | None = None,
    on_ready: Callable[[Running], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` is called once it answers."""

    async def serve() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):  # Windows has no such handlers: there Ctrl-C raises
                loop.add_signal_handler(number, ended.set)
        async with await start(world, host, port, state_path) as running:
            if on_ready:
                on_ready(running)
            await ended.wait()

    if sys.platform == "win32":
        asyncio.run(serve())
        return
    import uvloop  # noqa: PLC0415  absent on Windows

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
