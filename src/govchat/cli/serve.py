"""The parts one by one, as `govchat up` and the Helm chart run them: api, worker, simulator, migrate."""

import asyncio
import gc
import os
from pathlib import Path
from urllib.parse import urlsplit

import click

from govchat.kit.loading import loading
from govchat.local.held import wait_to_be_released
from govchat.settings import Settings

# What requests and messages leave behind is little: the collector need not look for every few of them.
SELDOM = (20_000, 50, 100)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
def api(host: str, port: int) -> None:
    """Serve the API: Zalo's webhooks, /v1, probes, metrics."""
    with loading():
        import uvicorn
        import uvicorn.lifespan.on
        import uvicorn.protocols.http.httptools_impl
        import uvloop  # noqa: F401  # these three are what uvicorn would load when it is told to go

        from govchat.app import create_app
        from govchat.obs import logs

        settings = Settings.from_env(os.environ)
        logs.configure("api", settings.log_format)
        app = create_app(settings)
    wait_to_be_released()
    gc.set_threshold(*SELDOM)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run()


@click.command()
@click.option("--bulk", is_flag=True, help="Serve campaigns alone.")
def worker(bulk: bool) -> None:
    """Work off inboxes and send outboxes."""
    with loading():
        import uvloop

        from govchat.worker import run

    wait_to_be_released()
    gc.set_threshold(*SELDOM)
    uvloop.run(run(Settings.from_env(os.environ), bulk=bulk))


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8001, show_default=True)
@click.option("--state", type=click.Path(path_type=Path), help="Where tokens and chats are kept over a restart.")
def simulator(host: str, port: int, state: Path | None) -> None:
    """Run a false Zalo with every province, and a phone page.

    A manifest that is written later gets its Official Account within a second or two.
    """
    with loading():
        from govchat.cli.false_zalo import build_world, follow_manifests, stamps_of
        from govchat.simulator.server import Running, run

    settings = Settings.from_env(os.environ)
    seen = stamps_of(settings.tenants_dir)
    following: list[asyncio.Task[None]] = []

    def ready(running: Running) -> None:
        following.append(asyncio.create_task(follow_manifests(running.world, settings, seen)))

    run(build_world(settings), host, port, state_path=state or settings.data_dir / "simulator.json", on_ready=ready)


@click.command()
def migrate() -> None:
    """Bring the database to this version's schema, as the owner role."""
    from govchat.db.migrate import upgrade

    settings = Settings.from_env(os.environ)
    app_role = urlsplit(settings.database_url).username or "govchat_app"
    upgrade(settings.migration_database_url, app_role)
    click.echo("the database is at the newest revision")
