"""Probes tell the truth: what stops the process, what only makes it worse, and nothing that helps an attacker."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from govchat.obs.health import Check, database, live, ready, redis, worker

DOWN = ConnectionRefusedError("connect to db.internal:5432 as govchat with password hunter2")


@pytest.mark.parametrize(
    ("checks", "status", "word"),
    [
        ([], 200, "ok"),
        ([database(), redis(), worker("worker", 2)], 200, "ok"),
        ([database(DOWN), redis(), worker("worker", 2)], 503, "unavailable"),
        ([database(), redis(DOWN), worker("worker", 2)], 200, "degraded"),
        ([database(), redis(), worker("worker", 31)], 200, "degraded"),
        ([database(), redis(), worker("worker", None)], 200, "degraded"),
        ([database(DOWN), redis(DOWN), worker("worker", None)], 503, "unavailable"),
        ([Check(name="policies", ok=False, critical=True)], 503, "unavailable"),
    ],
)
def test_only_what_is_critical_makes_a_process_unready(checks: list[Check], status: int, word: str) -> None:
    answer, document = ready(checks)
    assert (answer, document.status) == (status, word)
    assert document.checks == tuple(checks)


def test_a_dead_worker_is_visible_with_the_age_of_its_heartbeat() -> None:
    _, document = ready([database(), worker("worker-bulk", 95.4)])
    assert msgspec.to_builtins(document.checks[1]) == {
        "name": "worker-bulk",
        "ok": False,
        "detail": "heartbeat 95 s ago",
        "critical": False,
    }
    assert worker("worker", None).detail == "no heartbeat"
    assert worker("worker", -1).detail == "heartbeat 0 s ago"
    assert worker("worker", 45, limit_seconds=60).ok


def test_a_failure_is_told_by_its_kind_alone() -> None:
    _, document = ready([database(DOWN), redis(DOWN)])
    text = msgspec.json.encode(document).decode()
    assert "ConnectionRefusedError" in text
    assert "hunter2" not in text
    assert "db.internal" not in text


def test_a_living_process_says_since_when() -> None:
    started = datetime(2026, 11, 22, tzinfo=UTC)
    status, document = live("api", "0.1.0", started, started + timedelta(seconds=61.26))
    assert status == 200
    assert (document.status, document.part, document.uptime_seconds) == ("ok", "api", 61.3)
    assert live("api", "0.1.0", started, started - timedelta(seconds=5))[1].uptime_seconds == 0.0
