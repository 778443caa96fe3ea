"""`govchat up` as a process: it says what it does, keeps what it holds, survives its parts and leaves nothing behind."""

import json
import os
import signal
import socket
import sys
import urllib.request
from pathlib import Path

import asyncpg
import psutil
import pytest
from tests.local.running import STAND_INS, Up, gone, refusal, running, wait_until

from govchat.local import ports
from govchat.local.spawn import server_identity


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """One `up` for the tests that only look."""
    with running(tmp_path_factory.mktemp("up") / "data") as up:
        yield up


async def execute(url, *statements):
    connection = await asyncpg.connect(url)
    try:
        return [await connection.fetch(statement) for statement in statements]
    finally:
        await connection.close()


def test_up_says_what_it_does_and_where_it_answers(ready):
    steps = [line for line in ready.output.splitlines() if line.startswith("[")]
    assert any("starting PostgreSQL" in step for step in steps), ready.output
    assert any("starting the API and the workers" in step for step in steps), ready.output
    last = ready.output.splitlines()[-1]
    assert last.startswith("govchat ready")
    for address in (
        f"http://127.0.0.1:{ready.port}",
        f"http://127.0.0.1:{ready.simulator_port}",
        "/schema",
        "H19.12-261103-0007",
    ):
        assert address in last
    assert urllib.request.urlopen(f"http://127.0.0.1:{ready.port}/healthz/ready").status == 200


def test_ready_is_said_once_the_worker_is_heard(ready):
    assert (ready.data_dir / "heartbeat").exists()


def test_the_parts_are_told_apart_by_their_command_lines(ready):
    assert set(ready.children()) == {"api", "worker", "bulk", "simulator", "postgres", "valkey"}


def test_only_our_workers_are_called_workers(ready):
    # Scripts find them by name; PostgreSQL has processes that would answer to it.
    named = [process for process in ready.family() if "worker" in " ".join(process.cmdline())]
    assert len(named) == 2


async def test_the_application_role_owns_nothing_and_rises_above_nothing(ready):
    environ = ready.stack().environ
    (role,), (database,), extensions, owned = await execute(
        environ["GOVCHAT_DATABASE_URL"],
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, current_user FROM pg_roles WHERE rolname = current_user",
        "SELECT pg_get_userbyid(datdba) AS owner, datcollate, pg_encoding_to_char(encoding) AS encoding, current_setting('fsync') AS fsync,"
        " current_setting('timezone') AS zone FROM pg_database WHERE datname = current_database()",
        "SELECT extname FROM pg_extension",
        "SELECT 1 FROM pg_class WHERE relowner = 'govchat_app'::regrole",
    )
    assert tuple(role) == (False, False, False, False, "govchat_app")
    assert database["owner"] == "govchat_owner"
    assert (database["encoding"], database["fsync"], database["zone"]) == ("UTF8", "on", "UTC")
    assert {"unaccent", "pg_trgm"} <= {row["extname"] for row in extensions}
    assert not owned
    (owner,) = (
        await execute(
            environ["GOVCHAT_MIGRATION_DATABASE_URL"],
            "SELECT rolsuper, rolbypassrls, rolname FROM pg_roles WHERE rolname = current_user",
        )
    )[0]
    assert tuple(owner) == (False, False, "govchat_owner")


async def test_vietnamese_is_lowered_and_sorted_as_unicode(ready):
    ((row,),) = await execute(ready.stack().environ["GOVCHAT_DATABASE_URL"], "SELECT lower('ĐỒNG NAI') AS folded")
    assert row["folded"] == "đồng nai"


def test_nobody_else_reads_the_secrets_of_a_stack(ready):
    for name in ("stack.json", "secrets.json", "up.lock", "processes.json"):
        assert (ready.data_dir / name).stat().st_mode & 0o077 == 0, name
    for folder in ("logs", "postgres"):
        assert (ready.data_dir / folder).stat().st_mode & 0o077 == 0, folder
    secrets = json.loads((ready.data_dir / "secrets.json").read_text())
    shown = " ".join(word for process in ready.family() for word in process.cmdline())
    assert not [name for name, secret in secrets.items() if secret in shown], "a command line shows a secret"


def test_a_password_is_needed_on_loopback_too(ready):
    environ = ready.stack().environ
    port = environ["GOVCHAT_REDIS_URL"].rpartition(":")[2].split("/")[0]
    with socket.create_connection(("127.0.0.1", int(port))) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100).startswith(b"-NOAUTH")


async def test_postgres_needs_a_password_on_loopback_too(ready):
    url = ready.stack().environ["GOVCHAT_DATABASE_URL"]
    port = url.rpartition(":")[2].split("/")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://govchat_app:wrong@127.0.0.1:{port}/govchat")


def test_a_second_up_on_the_same_folder_says_so(ready):
    said = refusal(ready.data_dir)
    assert "already running" in said
    assert str(ready.process.pid) in said
    assert f"http://127.0.0.1:{ready.port}" in said


def test_a_busy_port_is_named_with_its_holder_and_the_way_out(ready, tmp_path):
    said = refusal(tmp_path / "data", "--port", str(ready.port))
    assert f"port {ready.port} is in use by process {ready.children()['api'].pid}" in said
    assert said.endswith("--port")
    assert refusal(tmp_path / "data", "--simulator-port", str(ready.port)).endswith("--simulator-port")


def test_every_idle_process_stays_small(ready):
    sizes = {
        " ".join(process.cmdline())[:60]: process.memory_info().rss >> 20
        for process in [psutil.Process(ready.process.pid), *ready.family()]
    }
    assert not {name: size for name, size in sizes.items() if size > 160}


async def test_data_and_secrets_outlive_a_restart(tmp_path):
    data = tmp_path / "data"
    with running(data, "--no-simulator", "--no-seed") as up:
        assert "phone" not in up.output
        assert "H19" not in up.output
        first = up.stack().environ
        await execute(
            first["GOVCHAT_MIGRATION_DATABASE_URL"],
            "CREATE TABLE kept (word text)",
            "INSERT INTO kept VALUES ('đã lưu')",
        )
    with running(data, "--no-simulator") as up:
        second = up.stack().environ
        ((row,),) = await execute(second["GOVCHAT_MIGRATION_DATABASE_URL"], "SELECT word FROM kept")
        assert row["word"] == "đã lưu"
        assert second["GOVCHAT_MASTER_KEYS"] == first["GOVCHAT_MASTER_KEYS"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_in_order(tmp_path, number):
    with running(tmp_path / "data") as up:
        family = up.family()
        assert len(family) >= 6
        assert up.end(number) == 0
        assert gone(family)
        assert "stopped" in up.output
        assert "force" not in up.output
        assert not (tmp_path / "data" / "stack.json").exists()
        assert "database system is shut down" in (tmp_path / "data/logs/postgres.log").read_text()


def test_a_signal_while_starting_ends_everything_too(tmp_path):
    ours = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup we would hand on that it is ignored
    up = Up(tmp_path / "data")
    signal.signal(signal.SIGHUP, ours)
    up.until("making a database folder")
    family = up.family()
    assert up.end(signal.SIGHUP) == 0
    assert gone(family)
    with running(tmp_path / "data") as again:
        assert again.stack().pid == again.process.pid


def test_a_killed_up_leaves_no_orphan_and_the_next_one_starts(tmp_path):
    with running(tmp_path / "data") as up:
        family = up.family()
        assert up.end(signal.SIGKILL) == -signal.SIGKILL
    with running(tmp_path / "data") as up:
        assert gone(family)
        assert up.stack().pid == up.process.pid


def test_a_part_that_dies_is_started_again(tmp_path):
    killed = ("api", "worker", "valkey", "postgres")
    with running(tmp_path / "data") as up:
        before = up.children()
        for name in killed:
            before[name].kill()
        said = {up.until(" ended (").split("] ")[1].split()[0] for _ in killed}
        assert said == {"api", "worker", "Valkey", "PostgreSQL"}

        def back() -> bool:
            now = up.children()
            return set(now) == set(before) and all(now[name].pid != before[name].pid for name in killed)

        wait_until(back, "all four parts back")
        wait_until(lambda: ports.answers(up.port), "the API answers again")
        assert up.children()["bulk"].pid == before["bulk"].pid


async def test_given_servers_are_used_instead_of_embedded_ones(ready, tmp_path):
    servers = {
        name: ready.stack().environ[name]
        for name in ("GOVCHAT_DATABASE_URL", "GOVCHAT_MIGRATION_DATABASE_URL", "GOVCHAT_REDIS_URL")
    }
    with running(tmp_path / "data", environ=servers) as up:
        assert set(up.children()) == {"api", "worker", "bulk", "simulator"}
        assert {name: up.stack().environ[name] for name in servers} == servers
        assert "GOVCHAT_MASTER_KEYS" not in up.stack().environ


def test_a_database_url_without_the_owners_is_refused(tmp_path):
    said = refusal(tmp_path / "data", environ={"GOVCHAT_DATABASE_URL": "postgresql://app@db/govchat"})
    assert "GOVCHAT_MIGRATION_DATABASE_URL" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="the rest of this file shows it for an ordinary user")
def test_an_ordinary_user_can_do_the_same(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    # The interpreter and pytest's folders may be closed to that user; what it reads there is not what is tested.
    user = server_identity(home, [home, STAND_INS, Path(sys.executable)])
    assert user is not None
    os.chown(home, user.uid, user.gid)
    up = Up(home / "data", environ={"HOME": str(home)}, identity=user)
    up.until("govchat ready")
    family = up.family()
    assert {process.uids().effective for process in family} == {user.uid}
    assert up.end() == 0, up.output
    assert gone(family)
