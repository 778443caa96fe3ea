"""The API: routes, problem documents, OpenAPI with a local viewer, probes and metrics.

`create_app` hands the settings down; what a request needs hangs on `app.state`, opened in the lifespan, where a database that does not
keep provinces apart stops the start.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from litestar import Litestar
from litestar.static_files import create_static_files_router

from govchat import probes
from govchat.access.idempotency import Once
from govchat.access.recognise import Doorman
from govchat.callbacks import routes as callbacks
from govchat.campaigns import routes as campaigns
from govchat.connect import routes as connection
from govchat.db import rls
from govchat.db.session import TRANSACTION_TIMEOUT_MS, Database
from govchat.dossiers import routes as dossiers
from govchat.dossiers.national import routes as national
from govchat.dossiers.together import Together
from govchat.errors import ConfigurationError
from govchat.inbox.put import Intake
from govchat.kit.ending import end
from govchat.kit.queue import Bell, connect
from govchat.notices import routes as notices
from govchat.openapi.describe import config, declare_refusals, viewer_files
from govchat.petitions import routes as petitions
from govchat.privacy import routes as privacy
from govchat.problems import FRAMEWORK, HANDLERS, JsonRequest
from govchat.procedures import routes as procedures
from govchat.procedures.book import Book
from govchat.ratings import routes as ratings
from govchat.receipts import routes as receipts
from govchat.receipts.slow import Pace
from govchat.reports import routes as reports
from govchat.settings import Settings
from govchat.tenants.phrases import OwnPhrases
from govchat.tenants.registry import Registry
from govchat.webhook import routes as webhook
from govchat.webhook.receive import Door

log = structlog.get_logger()

ASSETS = Path(__file__).parent / "conversation" / "assets"
LARGEST_BODY = 8 * 1024 * 1024
ROUTES = [
    webhook.router,
    connection.router,
    dossiers.router,
    procedures.router,
    receipts.router,
    receipts.public,
    callbacks.router,
    national.router,
    notices.router,
    campaigns.router,
    petitions.router,
    ratings.router,
    privacy.router,
    reports.router,
    probes.router,
    create_static_files_router("/assets", [ASSETS], name="assets", opt={"public": "pictures"}, include_in_schema=False),
]


@asynccontextmanager
async def _opened(app: Litestar, settings: Settings, pool_size: int) -> AsyncIterator[None]:
    """What requests need hangs on `app.state` while the API runs."""
    if not settings.database_url or not settings.redis_url:
        raise ConfigurationError("GOVCHAT_DATABASE_URL and GOVCHAT_REDIS_URL must be set, or run beside `govchat up`")
    db = Database.connect(
        settings.database_url, part="api", pool_size=pool_size, transaction_timeout_ms=TRANSACTION_TIMEOUT_MS
    )
    redis, bell = connect(settings.redis_url), Bell(settings.redis_url)
    registry = Registry(db, settings)
    book = Book(db, registry)
    tasks: list[asyncio.Task[None]] = []
    try:
        await rls.verify(db.engine)
        await registry.load()
        await registry.warm()
        await book.load()
        app.state.book = book
        app.state.settings, app.state.db, app.state.redis, app.state.registry = settings, db, redis, registry
        app.state.pace = Pace(redis, registry.vault.log_key)
        app.state.words_on_receipts = OwnPhrases(db, "govchat.receipts", "govchat.dossiers")
        app.state.bell = bell
        app.state.door = Door(registry, Intake(db), bell)
        app.state.doorman = Doorman(db)
        app.state.together = together = Together(registry, book, bell)
        tasks += [asyncio.create_task(registry.keep_fresh()), asyncio.create_task(book.keep_fresh())]
        yield
        await together.finish()
    finally:
        await end(tasks)
        await bell.close()
        await redis.aclose()
        await db.close()


def create_app(settings: Settings, *, pool_size: int = 6) -> Litestar:
    """The ASGI application."""
    app = Litestar(
        route_handlers=[*ROUTES, viewer_files()],
        lifespan=[lambda app: _opened(app, settings, pool_size)],
        middleware=[Once()],
        request_class=JsonRequest,
        exception_handlers=HANDLERS,
        openapi_config=config(),
        request_max_body_size=LARGEST_BODY,
        debug=False,
        logging_config=None,
    )
    declare_refusals(app, FRAMEWORK)
    return app
