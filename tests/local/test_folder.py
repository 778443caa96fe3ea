"""A data folder that can't be used is refused in one sentence that names it and the way out; the lock tells who works in it."""

import json
import os
from pathlib import Path

import pytest
from tests.local.running import refusal

from govchat.errors import ConfigurationError
from govchat.local import folder, ports, postgres, spawn, stack


def look(opened):
    """What `up` looks at before it starts anything."""
    postgres.require_usable(opened.postgres)
    opened.secrets()


def opened(path):
    made = folder.open_folder(path)
    made.secrets()
    return made


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "data").write_text("")
    assert "is a file" in refusal(tmp_path / "data")


def test_a_folder_of_somebody_elses_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("chapter one")
    assert "holds something else" in refusal(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="--data-dir"):
        folder.open_folder(tmp_path / "file" / "data")


def test_a_folder_that_nobody_may_make_is_refused():
    assert refusal(Path("/proc/govchat")).endswith("choose another with --data-dir")


@pytest.mark.parametrize(
    ("breaking", "said"),
    [
        (lambda cluster: (cluster / "PG_VERSION").write_text("17\n"), "was made by PostgreSQL 17"),
        (lambda cluster: (cluster / "PG_VERSION").unlink(), "no readable PG_VERSION"),
        (lambda cluster: (cluster / "PG_VERSION").write_bytes(b"\xff\xfe"), "no readable PG_VERSION"),
        (lambda cluster: (cluster / "base").rmdir(), "base is missing"),
        (lambda cluster: (cluster.parent / "secrets.json").unlink(), "secrets.json is missing"),
        (lambda cluster: (cluster.parent / "secrets.json").write_text("{"), "secrets.json is damaged"),
    ],
)
def test_a_broken_database_folder_is_refused_before_anything_starts(tmp_path, breaking, said):
    opened(tmp_path / "data").close()
    cluster = tmp_path / "data" / "postgres"
    for needed in ("global", "base", "pg_wal"):
        (cluster / needed).mkdir(parents=True)
    (cluster / "global" / "pg_control").write_bytes(b"")
    (cluster / "PG_VERSION").write_text("18\n")
    breaking(cluster)
    again = folder.open_folder(tmp_path / "data")
    with pytest.raises(ConfigurationError, match=said) as caught:
        look(again)
    again.close()
    assert str(tmp_path / "data") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_database_that_postgres_finds_damaged_is_reported_with_its_own_words(tmp_path):
    made = opened(tmp_path / "data")
    postgres.create_cluster(made.postgres, "secret", postgres.identity_for(made.postgres), made.log("postgres"))
    (made.postgres / "global" / "pg_control").write_bytes(b"\0" * 8192)
    made.close()
    sentence = refusal(tmp_path / "data")
    assert "PostgreSQL ended while starting" in sentence
    assert "postgres.log" in sentence
    assert "move it away" in sentence


def test_a_half_made_database_folder_is_made_anew(tmp_path):
    made = opened(tmp_path / "data")
    half = made.path / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    postgres.create_cluster(made.postgres, "secret", postgres.identity_for(made.postgres), made.log("postgres"))
    assert postgres.require_usable(made.postgres)
    assert not half.exists()
    assert not (made.path / "initdb.password").exists()
    made.close()


def test_a_pid_file_of_another_life_does_not_stop_the_server(tmp_path):
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n")
    postgres.end_leftover(tmp_path)
    assert not (tmp_path / "postmaster.pid").exists()


def test_a_reused_pid_is_not_taken_for_ours(tmp_path):
    register = tmp_path / "processes.json"
    register.write_text(json.dumps({"worker": [os.getpid(), "12345"]}))
    from govchat.local.supervise import end_leftovers

    end_leftovers(register, pytest.fail)
    assert spawn.born(os.getpid()) is not None


def test_large_logs_are_put_aside_at_the_next_start(tmp_path):
    opened(tmp_path / "data").close()
    log = tmp_path / "data" / "logs" / "api.log"
    log.write_bytes(b"x" * (folder.LOG_BYTES + 1))
    opened(tmp_path / "data").close()
    assert not log.exists()
    assert log.with_suffix(".old").exists()


def test_a_free_port_is_free_and_a_taken_one_is_refused():
    import socket

    port = ports.free_port()
    ports.require_free(port, "--port")
    with socket.create_server(("127.0.0.1", port)), pytest.raises(ConfigurationError, match=f"port {port} is in use"):
        ports.require_free(port, "--port")


def test_a_free_port_is_none_that_an_outgoing_connection_could_take_and_none_that_is_held(monkeypatch):
    import socket

    lowest_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(ports.free_port() < lowest_outgoing for _ in range(200))
    held = ports.free_port()
    with socket.create_server(("127.0.0.1", held)):
        monkeypatch.setattr(ports, "LOWEST", held)
        monkeypatch.setattr(ports, "HIGHEST", held + 1)
        with pytest.raises(ConfigurationError, match=f"ports from {held}"):
            ports.free_port()


def test_an_environment_that_names_its_servers_needs_no_stack(tmp_path):
    environ = {"GOVCHAT_DATABASE_URL": "postgresql://a/b", "GOVCHAT_REDIS_URL": "redis://a"}
    assert stack.load(environ, tmp_path / "none") == environ


def test_without_a_stack_the_way_to_one_is_told(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r"no running stack in .*: start it with `govchat up`, or set GOVCHAT_DATABASE_URL"
    ):
        stack.load({}, tmp_path)


def test_a_stack_is_found_only_while_it_runs_and_explicit_settings_win(tmp_path):
    made = opened(tmp_path / "data")
    written = {
        "GOVCHAT_DATABASE_URL": "postgresql://a/b",
        "GOVCHAT_REDIS_URL": "redis://a",
        "GOVCHAT_ENV": "development",
        "PATH": "/bin",
    }
    stack.write_stack(made.path, written)
    found = stack.load({"GOVCHAT_ENV": "production", "GOVCHAT_REDIS_URL": "", "HOME": "/"}, made.path)
    assert found == {
        "GOVCHAT_DATABASE_URL": "postgresql://a/b", "GOVCHAT_REDIS_URL": "redis://a", "GOVCHAT_ENV": "production", "HOME": "/",
    }  # fmt: skip
    with pytest.raises(ConfigurationError, match="points elsewhere"):
        stack.load({"GOVCHAT_DATABASE_URL": "postgresql://other/b"}, made.path)
    elsewhere = {"GOVCHAT_DATABASE_URL": "postgresql://other/b", "GOVCHAT_REDIS_URL": "redis://other"}
    assert stack.load(elsewhere, made.path) == elsewhere
    made.close()
    with pytest.raises(ConfigurationError, match="no running stack"):
        stack.load({}, made.path)


def test_a_damaged_stack_file_is_named(tmp_path):
    made = opened(tmp_path / "data")
    (made.path / "stack.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"stack\.json is damaged"):
        stack.load({}, made.path)
    made.close()
