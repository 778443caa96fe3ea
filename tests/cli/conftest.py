"""The command line as an operator uses it, against the database of a test."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from govchat.cli.main import govchat
from govchat.errors import ConfigurationError, DomainError
from govchat.settings import Settings

Cli = Callable[..., Awaitable["Said"]]


@dataclass
class Said:
    """What a command answered: exit status, what it printed, and the sentence it was refused with."""

    status: int
    out: str
    err: str
    refusal: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)

    @property
    def everything(self) -> str:
        return f"{self.out}\n{self.err}\n{self.refusal}"


def environ_of(settings: Settings, **changes: str) -> dict[str, str]:
    """The environment that leads to `settings`."""
    return {
        "GOVCHAT_DATABASE_URL": settings.database_url,
        "GOVCHAT_MIGRATION_DATABASE_URL": settings.migration_database_url,
        "GOVCHAT_REDIS_URL": settings.redis_url,
        "GOVCHAT_MASTER_KEYS": ",".join(settings.master_keys),
        "GOVCHAT_TENANTS_DIR": str(settings.tenants_dir),
        "GOVCHAT_ZALO_OPENAPI_URL": settings.zalo_openapi_url,
        **changes,
    }


async def run(settings: Settings, *words: str, given: str | bytes = "", **changes: str) -> Said:
    """Run `govchat WORDS…` with `given` on its standard input. `changes` are environment variables."""
    environ = environ_of(settings, **changes)
    result = await asyncio.to_thread(CliRunner().invoke, govchat, words, input=given, env=environ)
    refusal = ""
    if isinstance(result.exception, (ConfigurationError, DomainError)):
        refusal = str(result.exception)
        assert "\n" not in refusal
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        pytest.fail("".join(traceback.format_exception(result.exception)))
    return Said(result.exit_code, result.stdout, result.stderr, refusal)


@pytest.fixture
def cli(own_settings: Settings) -> Cli:
    """`await cli("tenant", "list")` on a database that only this test uses."""

    async def call(*words: str, given: str | bytes = "", **changes: str) -> Said:
        return await run(own_settings, *words, given=given, **changes)

    return call
