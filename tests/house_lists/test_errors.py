"""Every error has one code, documented with its status; the page lists none that is gone."""

import importlib
import pkgutil
import re
from collections import Counter
from pathlib import Path

import msgspec

import govchat
from govchat.errors import DomainError
from govchat.openapi.describe import Problem
from govchat.problems import FRAMEWORK, domain_error

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def every_error() -> list[type[DomainError]]:
    """All subclasses, after importing every module of the house."""
    for module in pkgutil.walk_packages(govchat.__path__, "govchat."):
        if not module.name.endswith("__main__") and ".migrations." not in module.name:
            importlib.import_module(module.name)
    found, left = [], [DomainError]
    while left:
        below = [kind for kind in left.pop().__subclasses__() if kind.__module__.startswith("govchat.")]
        found += below
        left += below
    return found


ERRORS = every_error()


def test_there_is_one_code_per_error() -> None:
    twice = {code for code, times in Counter(error.code for error in ERRORS).items() if times > 1}
    assert not twice, [f"{error.__module__}.{error.__name__}: {error.code}" for error in ERRORS if error.code in twice]
    for error in ERRORS:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code), error
        assert "code" in vars(error), f"{error.__name__} needs a code of its own"
        assert 400 <= error.status < 600
        assert error.title
        assert error.title != DomainError.title, f"{error.__name__} needs a title of its own"


def test_a_code_of_ours_that_http_has_too_means_the_same() -> None:
    of_http = {code: (status, title) for status, (code, title) in FRAMEWORK.items()}
    for error in ERRORS:
        if error.code in of_http:
            assert (error.status, error.title) == of_http[error.code]


def test_every_code_is_documented_with_its_status_and_none_that_is_gone() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    documented = {code: status for code, status, _, _ in rows}
    assert len(documented) == len(rows), "a code stands twice in docs/errors.md"
    wanted = {error.code: str(error.status) for error in ERRORS}
    wanted |= {code: str(status) for status, (code, _) in FRAMEWORK.items()}
    wanted |= {"refused": "4xx", "internal": "500"}
    assert documented == wanted, "docs/errors.md needs a row | `code` | status | meaning | what to do | for every code"


def test_every_error_renders_as_a_problem_document() -> None:
    for error in ERRORS:
        answer = domain_error(None, error("what, which, way out"))  # type: ignore[arg-type]
        told = msgspec.json.decode(answer.content, type=Problem)
        assert (told.code, told.status, told.title) == (error.code, error.status, error.title)
        assert told.detail == "what, which, way out"
        assert answer.media_type == "application/problem+json"
        assert ("Retry-After" in answer.headers) == (error.status == 503)
        assert ("WWW-Authenticate" in answer.headers) == (error.status == 401)
