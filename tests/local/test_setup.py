"""The set-up from a fresh clone: pins that can be trusted, commands that explain themselves, refusals that say the way out."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pins(name):
    text = (ROOT / "requirements" / name).read_text().replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("name", ["local.txt", "dev.txt"])
def test_every_dependency_is_pinned_with_hashes_and_without_an_address(name):
    for requirement, *rest in pins(name):
        assert re.fullmatch(r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==[^=]+", requirement), requirement
        assert any(word.startswith("--hash=sha256:") for word in rest), requirement
    text = (ROOT / "requirements" / name).read_text()
    assert "://" not in text
    assert "index-url" not in text
    assert "find-links" not in text


def test_what_tests_need_holds_what_running_needs():
    # The set-up installs one of the two and relies on it.
    assert {pin[0] for pin in pins("local.txt")} <= {pin[0] for pin in pins("dev.txt")}


def test_make_explains_every_command():
    said = subprocess.run(["make", "-s", "-C", str(ROOT)], capture_output=True, text=True, check=True).stdout
    for command in ("run", "install", "test", "check", "bench", "lock", "format", "help"):
        assert re.search(rf"make {command} +\S", said), said


def copied(tmp_path):
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_a_python_that_is_too_old_or_missing_is_refused_with_the_way_out(tmp_path):
    fresh = copied(tmp_path)
    ran = subprocess.run(
        [".ci/install", "local"],
        cwd=fresh,
        env=os.environ | {"PYTHON": "no-such-python"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "Python 3.11 or newer was not found as PYTHON=no-such-python" in ran.stderr
    assert not (fresh / ".venv").exists()


def test_a_chromium_that_does_not_run_is_a_failure_not_a_skip():
    ran = subprocess.run(
        [str(ROOT / ".ci/chromium")],
        env=os.environ | {"CHROMIUM": "/no/such/chromium"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "CHROMIUM=/no/such/chromium does not run" in ran.stderr
