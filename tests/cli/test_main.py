"""The command line as a whole: it lists itself, starts light, and refuses in one sentence."""

import os
import subprocess
import sys

import click
import pytest
from tests.cli.conftest import environ_of, run

from govchat.cli.main import COMMANDS, govchat


def commands(group, path=()):
    """Every command with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def call(*words, **environ):
    return subprocess.run(
        [sys.executable, "-m", "govchat", *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_command_has_a_summary_that_is_not_cut_off():
    found = dict(commands(govchat))
    assert ("tenant", "check") in found
    assert set(COMMANDS) == {path[0] for path in found}
    for path, command in found.items():
        summary = command.get_short_help_str(limit=74)
        assert summary, path
        assert not summary.endswith("..."), (path, summary)


def test_help_loads_no_database():
    code = (
        "import sys, click.testing as t; from govchat.cli.main import govchat\n"
        "for words in (['--help'], ['tenant', '--help'], ['tenant', 'check'], ['key', 'create', '--help']):\n"
        "    t.CliRunner().invoke(govchat, words)\n"
        "print([name for name in ('sqlalchemy', 'litestar', 'aiohttp', 'asyncpg') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("words", [("tenant", "list"), ("key", "list", "--tenant", "hue"), ("seed", "hue")])
def test_without_a_stack_the_refusal_says_how_to_start_one(tmp_path, words):
    done = call(*words, "--data-dir", str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"govchat: no running stack in {tmp_path}/none")
    assert "govchat up" in line


def test_a_database_that_does_not_let_us_in_is_one_sentence_without_the_password(settings):
    environ = environ_of(settings)
    wrong = environ["GOVCHAT_DATABASE_URL"].replace(":for-tests", ":wr0ng")
    done = call("tenant", "list", **environ | {"GOVCHAT_DATABASE_URL": wrong})
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("govchat: GOVCHAT_DATABASE_URL")
    assert "wr0ng" not in line


@pytest.mark.parametrize("url", ["postgresql://x:wr0ng@127.0.0.1:1/x", "wr0ng"])
async def test_a_database_that_can_not_be_reached_is_one_sentence_too(settings, url):
    said = await run(settings, "tenant", "list", GOVCHAT_DATABASE_URL=url)
    assert said.status == 1
    assert said.refusal.startswith("GOVCHAT_DATABASE_URL")
    assert "wr0ng" not in said.everything


async def test_a_role_that_owns_the_tables_is_refused(settings):
    said = await run(settings, "tenant", "list", GOVCHAT_DATABASE_URL=settings.migration_database_url)
    assert said.status == 1
    assert "connect as the application role" in said.refusal
