"""A brand-new province beside a running stack, from an empty folder to a rehearsed go-live, by the commands its IT officer types.

Prints how long each command took (`pytest -s`); what is asserted is what came of it.
"""

import asyncio
import re
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from sqlalchemy import text
from tests.cli.conftest import environ_of, run
from tests.conftest import plain
from tests.house import House, open_house
from tests.journeys.stage import own
from tests.local.running import clean_environment
from tests.stack import Services

from govchat.cli.opened import opened
from govchat.settings import Settings

SLUG = "bien-dong"
APP_ID, OA_ID = "7001002003004005", "7009008007006005"
# What the officer fills in, by the beginning of the place's name.
FILLED = {
    "tên riêng": "Biển Đông",
    "Tỉnh": "Tỉnh Biển Đông",
    "city": "province",
    "mã hai chữ số": "97",
    "mã đứng đầu": "H97",
    "tên đơn vị được cấp mã": "Biển Đông",
    "cơ quan đứng tên": "Ủy ban nhân dân tỉnh Biển Đông",
    "ID ứng dụng": APP_ID,
    "OA ID": OA_ID,
    "tên cơ quan tiếp nhận": "Trung tâm Phục vụ hành chính công tỉnh Biển Đông",
}


@dataclass
class Desk:
    """Where the officer sits: `await desk.type("tenant", "check", SLUG)`; the times of the commands."""

    settings: Settings
    folder: Path
    home: Path
    admin_url: str
    house: House | None = None

    @property
    def environ(self) -> dict[str, str]:
        environ = {
            "GOVCHAT_MIGRATION_DATABASE_URL": self.admin_url,
            "GOVCHAT_TENANTS_DIR": str(self.folder),
            "GOVCHAT_DATA_DIR": str(self.home / "data"),
        }
        if self.house is not None:
            environ |= {
                "GOVCHAT_PUBLIC_URL": self.house.url,
                "GOVCHAT_ZALO_OAUTH_URL": self.house.zalo.url,
                "GOVCHAT_ZALO_BUSINESS_URL": self.house.zalo.url,
            }
        return environ

    async def type(self, *words: str, given: str = "") -> tuple[int, str]:
        """One command; its exit status and all it printed."""
        began = time.monotonic()
        said = await run(self.settings, *words, given=given, **self.environ)
        told(began, *words)
        return said.status, said.everything if said.status else said.out

    async def rehearse(self, *words: str) -> bytes:
        """`govchat tenant rehearse` as the process of its own that it is; what it printed."""
        environ = {**clean_environment(), **environ_of(self.settings, **self.environ), "TMPDIR": str(self.home)}
        began = time.monotonic()
        command = (sys.executable, "-m", "govchat", "tenant", "rehearse", SLUG, *words)
        child = await asyncio.create_subprocess_exec(*command, env=environ, stdout=PIPE, stderr=PIPE)
        out, err = await child.communicate()
        told(began, "tenant", "rehearse", SLUG, *words)
        return out or err


def told(began: float, *words: str) -> None:
    print(f"{time.monotonic() - began:6.1f} s  govchat {' '.join(words[:3])}")  # noqa: T201


@pytest.fixture
async def desk(services: Services, redis_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A running stack whose database has never heard of the province; the false Zalo has its app and Official Account, as Zalo would."""
    known = tmp_path / "known-at-zalo"
    _fill(await _scaffolded(known))
    settings = plain(await own(services, redis_url), tenants_dir=known)
    (tmp_path / "tenants").mkdir()
    async with open_house(settings) as house:
        yield Desk(house.settings, tmp_path / "tenants", tmp_path, services.postgres_url, house)


async def _scaffolded(folder: Path) -> Path:
    from govchat.tenants.scaffold import scaffold

    scaffold(folder, SLUG)
    return folder / SLUG / "tenant.toml"


def _fill(manifest: Path) -> None:
    def value(place: re.Match[str]) -> str:
        return next(filled for begins, filled in FILLED.items() if place[1].startswith(begins))

    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(re.sub(r"<([^>\n]+)>", value, text), encoding="utf-8")


async def consent(desk: Desk, link: str) -> tuple[int, str]:
    """What the Official Account's administrator does with the link; what the callback shows them."""
    form = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    assert desk.house is not None
    async with desk.house.http.get(link) as page:
        assert OA_ID in await page.text()
    granted = desk.house.http.post(link.partition("?")[0], data={**form, "oa_id": OA_ID}, allow_redirects=False)
    async with granted as answer:
        callback = answer.headers["Location"]
    async with desk.house.http.get(callback) as answer:
        return answer.status, await answer.text()


async def test_a_new_province_goes_from_an_empty_folder_to_a_connected_account(desk: Desk) -> None:
    status, said = await desk.type("tenant", "new", SLUG)
    assert status == 0, said
    status, said = await desk.type("tenant", "check", SLUG)
    assert status == 1
    manifest = desk.folder / SLUG / "tenant.toml"
    places = set(re.findall(r"<[^>\n]+>", manifest.read_text(encoding="utf-8")))
    assert all(place in said for place in places), said
    _fill(manifest)
    status, said = await desk.type("tenant", "check", SLUG)
    assert (status, said.strip()) == (0, f"{SLUG}: không có lỗi")
    status, said = await desk.type("tenant", "apply", SLUG, "--yes")
    assert (status, "1 tạo mới" in said) == (0, True), said
    for name, value in (("app-secret", f"dev-app-secret:{APP_ID}"), ("oa-secret", f"dev-oa-secret:{APP_ID}")):
        status, said = await desk.type("secret", "set", SLUG, name, given=value)
        assert status == 0, said
    status, said = await desk.type("tenant", "connect", SLUG, "--json")
    assert status == 0, said
    shown, page = await consent(desk, msgspec.json.decode(said)["url"])
    assert (shown, "Đã kết nối Official Account" in page) == (200, True), page
    status, said = await desk.type("tenant", "status", SLUG)
    assert (status, "Trạng thái: live" in said) == (0, True), said
    told = re.search(r"(\d+) xanh, (\d+) vàng, (\d+) đỏ", said)
    assert told is not None
    assert "Official Account" in said


@pytest.mark.usefixtures("only_rehearsal")
async def test_what_was_filled_in_passes_the_rehearsal_which_leaves_no_trace(
    services: Services, redis_url: str, tmp_path: Path
) -> None:
    desk = Desk(await own(services, redis_url), tmp_path / "tenants", tmp_path, services.postgres_url)
    _fill(await _scaffolded(desk.folder))
    status, said = await desk.type("tenant", "apply", SLUG, "--yes")
    assert (status, "1 tạo mới" in said) == (0, True), said
    report = await rehearsed(desk)
    assert report["ok"], [
        (step["title"], [each for each in step["checks"] if not each["ok"]], step["broke"])
        for step in report["steps"]
        if step["outcome"] != "passed"
    ]
    assert [step["number"] for step in report["steps"]] == list(range(12))
    assert await traces(desk) == 0


async def rehearsed(desk: Desk) -> dict[str, Any]:
    """The report, and its printed form beside it."""
    html = desk.home / "dien-tap.html"
    said = await desk.rehearse("--small", "--json", "--html", str(html))
    assert html.exists(), said.decode()
    assert "Tỉnh Biển Đông" in html.read_text(encoding="utf-8")
    report: dict[str, Any] = msgspec.json.decode(said)
    return report


async def traces(desk: Desk) -> int:
    """Citizens, dossiers and messages that the real province has."""
    counted = " + ".join(
        f"(SELECT count(*) FROM {table} WHERE tenant_id = :tenant)"
        for table in ("citizens", "dossiers", "outbox_messages", "inbox_events")
    )
    async with opened(desk.settings) as registry:
        tenant = registry.by_slug(SLUG)
        async with registry.db.tenant(tenant.id) as session:
            return int(await session.scalar(text(f"SELECT {counted}"), {"tenant": tenant.id}))
