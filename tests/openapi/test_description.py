"""The description is complete, equals the committed file, and its viewer loads nothing from elsewhere."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.house import House, open_house

from govchat.app import create_app
from govchat.dossiers import routes
from govchat.dossiers.schemas import DossierIn
from govchat.openapi.write import rendered
from govchat.settings import Settings

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"
DESCRIPTION: dict[str, Any] = msgspec.json.decode(rendered())
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, item in DESCRIPTION["paths"].items()
    for method, operation in item.items()
    if method in ("get", "put", "post", "delete", "patch", "head", "options", "trace")
]
every_operation = pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])


def test_the_committed_description_is_the_codes() -> None:
    assert FILE.read_text() == rendered(), (
        "the API changed: run `python -m govchat.openapi.write docs/openapi.json` and read the difference before committing it"
    )


def test_it_says_openapi_3_1_and_names_itself() -> None:
    assert re.fullmatch(r"3\.1\.\d", DESCRIPTION["openapi"])
    assert DESCRIPTION["info"]["title"] == "govchat"
    assert DESCRIPTION["info"]["version"]
    assert DESCRIPTION["info"]["description"]
    known = {tag["name"] for tag in DESCRIPTION["tags"]}
    assert {tag for _, operation in OPERATIONS for tag in operation["tags"]} == known


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))


def test_every_route_that_is_not_a_file_or_a_page_is_described() -> None:
    hidden = {
        route.path
        for route in create_app(Settings(master_keys=("reads-the-routes",))).routes
        for handler in getattr(route, "route_handlers", ())
        if not handler.resolve_include_in_schema() and handler.http_methods != {"OPTIONS"}
    }
    assert {
        path for path in hidden if not f"{path}/".startswith(("/assets/", "/schema/", "/console/", "/q/", "/f/"))
    } == set()


@every_operation
def test_an_operation_says_what_it_does(name: str, operation: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])
    assert operation["summary"]
    assert operation["description"]
    assert operation["summary"] != operation["description"]
    for parameter in operation.get("parameters", ()):
        assert parameter.get("description"), f'{name}: describe the parameter "{parameter["name"]}"'
    success = [response for status, response in operation["responses"].items() if status.startswith("2")]
    assert success
    for response in success:
        assert not response["description"].startswith("Request fulfilled"), f"{name}: give it a response_description"


@every_operation
def test_an_operation_declares_its_refusals(name: str, operation: dict[str, Any]) -> None:
    responses, wanted = operation["responses"], set()
    if name.split()[1].startswith("/v1"):
        wanted |= {"401", "403", "503"}
        assert operation["security"] == [{"key": []}]
    else:
        assert not operation.get("security"), "a public route needs no key"
    if "requestBody" in operation:
        wanted |= {"400", "413", "415", "422"}
        content = operation["requestBody"]["content"]["application/json"]
        assert content.get("examples") or content["schema"].get("examples"), f"{name}: give the body an example"
    if operation.get("parameters"):
        wanted.add("422")
    assert wanted <= responses.keys(), f'{name}: name its errors in opt={{"refuses": (…)}}'
    for status, response in responses.items():
        if status >= "400" and name != "GET /healthz/ready":
            assert list(response["content"]) == ["application/problem+json"], f"{name} {status}"
            assert response["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
            assert re.match(r"`[a-z_]+`: ", response["description"])


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for below in node.values():
            yield from _references(below)
    elif isinstance(node, list):
        for below in node:
            yield from _references(below)


def test_every_reference_leads_somewhere() -> None:
    for reference in _references(DESCRIPTION):
        target: Any = DESCRIPTION
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
    used = {reference.rpartition("/")[2] for reference in _references(DESCRIPTION)}
    assert used == DESCRIPTION["components"]["schemas"].keys()


def test_every_path_parameter_is_declared_and_required() -> None:
    for name, operation in OPERATIONS:
        in_path = set(re.findall(r"{(\w+)}", name))
        declared = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path" and one["required"]}
        assert declared == in_path, name


def test_an_example_fits_the_schema_it_stands_beside() -> None:
    """Examples are read by the very structs that read requests."""
    assert msgspec.convert(routes.EXAMPLE, DossierIn).status == 4


@pytest.fixture(scope="module")
async def api(settings: Settings) -> AsyncIterator[House]:
    async with open_house(settings, worker=False) as house:
        yield house


async def _text(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(url) as answer:
        assert answer.status == 200, url
        return await answer.text()


async def test_the_viewer_loads_nothing_from_elsewhere(api: House) -> None:
    page = await _text(api.http, f"{api.url}/schema")
    loaded = re.findall(r"""(?:src|href|url|action)\s*=\s*["']([^"']+)["']""", page.split("spec:")[0])
    assert loaded
    assert [address for address in loaded if not address.startswith(("/assets/", "data:"))] == []
    assert not re.search(r"@import|url\(\s*['\"]?https?:", page)
    for address in loaded:
        if address.startswith("/"):
            content = await _text(api.http, api.url + address)
            if address.endswith(".css"):
                assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", content), address


async def test_the_served_description_is_the_committed_one(api: House) -> None:
    assert msgspec.json.decode(await _text(api.http, f"{api.url}/schema/openapi.json")) == DESCRIPTION
