"""Keeping, reading, letting go: sealed in the storage, swept when past, and never unseen by a scanner that is there."""

import asyncio
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import select
from tests.files.test_check import picture

from govchat.errors import ConfigurationError
from govchat.files import keep as keeping
from govchat.files.check import MOST_BYTES, FileTooLarge
from govchat.files.fetch import PictureNotFetched, fetch, may_fetch
from govchat.files.models import StoredFileRow
from govchat.files.scan import FileInfected, ScannerAway, scan
from govchat.files.store import FileNotThere, Store
from govchat.kit import clock
from govchat.kit.clock import shifted
from govchat.kit.ids import new_id
from govchat.settings import Settings


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "thư mục"


@pytest.fixture
def store(folder):
    return Store.open(Settings(files_url=folder.as_uri()))


@pytest.fixture
async def ours(registry):
    tenant = registry.by_slug("lam-dong")
    return tenant.id, await registry.tenant_vault(tenant.id)


async def test_a_file_is_sealed_in_the_storage_and_read_back_by_its_province_alone(store, folder, registry, ours):
    tenant_id, vault = ours
    kept = await keeping.keep(store, vault, tenant_id, picture("PNG"))
    (file,) = [path for path in folder.rglob("*") if path.is_file()]
    assert (file.parent.name, file.name) == (str(tenant_id), str(kept.id))
    assert b"PNG" not in file.read_bytes()
    content = await keeping.read(store, vault, tenant_id, kept.id)
    assert (content[:4], len(content), kept.scan) == (b"\x89PNG", kept.size, "none")
    other = registry.by_slug("hue")
    await store.put(other.id, kept.id, file.read_bytes())
    with pytest.raises(FileNotThere):
        await keeping.read(store, await registry.tenant_vault(other.id), other.id, kept.id)
    with pytest.raises(FileNotThere):
        await keeping.read(store, vault, tenant_id, new_id())


async def test_files_go_when_their_time_is_over_and_when_nobody_owned_them(store, registry, ours):
    tenant_id, vault = ours
    owned, past, orphan = [await keeping.keep(store, vault, tenant_id, picture()) for _ in range(3)]
    owner, gone = f"petition:{new_id()}", f"petition:{new_id()}"
    async with registry.db.tenant(tenant_id) as session:
        await keeping.own(session, tenant_id, owned, owner=owner, delete_after=clock.now() + timedelta(days=90))
        await keeping.own(session, tenant_id, past, owner=gone, delete_after=None)
    assert await keeping.sweep(store, registry, tenant_id) == 0, "an upload under way is no orphan yet"
    async with registry.db.tenant(tenant_id) as session:
        await keeping.let_go(session, tenant_id, gone)
        assert [row.id for row in await keeping.of_owner(session, tenant_id, owner)] == [owned.id]
    with shifted(timedelta(days=2)):
        assert await keeping.sweep(store, registry, tenant_id) == 2
        assert await keeping.sweep(store, registry, tenant_id) == 0
    assert await keeping.read(store, vault, tenant_id, owned.id)
    for each in (past, orphan):
        with pytest.raises(FileNotThere):
            await keeping.read(store, vault, tenant_id, each.id)
    async with registry.db.tenant(tenant_id) as session:
        assert await session.scalar(select(StoredFileRow.id).where(StoredFileRow.id == past.id)) is None


@pytest.mark.parametrize("url", ["ftp://x/y", "gs://bucket", "files", "file:///proc/nothing/here"])
def test_a_storage_that_can_not_be_is_refused_by_name(url):
    with pytest.raises(ConfigurationError, match="GOVCHAT_FILES_URL"):
        Store.open(Settings(files_url=url))


async def clamd(answer: bytes):
    """A scanner as clamd's manual describes INSTREAM; keeps what it was given."""
    given = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        while length := int.from_bytes(await reader.readexactly(4)):
            given.extend(await reader.readexactly(length))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}", given


async def test_a_scanner_sees_every_byte_and_its_word_counts(store, folder, ours):
    tenant_id, vault = ours
    content = picture("PNG", size=(900, 900))
    server, address, given = await clamd(b"stream: OK\0")
    async with server:
        assert (await keeping.keep(store, vault, tenant_id, content, clamd=address)).scan == "clean"
        assert bytes(given) == content
    server, address, _ = await clamd(b"stream: Eicar-Signature FOUND\0")
    before = len(list(folder.rglob("*")))
    async with server:
        with pytest.raises(FileInfected):
            await keeping.keep(store, vault, tenant_id, content, clamd=address)
    assert len(list(folder.rglob("*"))) == before, "nothing was kept"


async def test_a_scanner_that_is_away_or_unsure_lets_nothing_pass():
    with pytest.raises(ScannerAway):
        await scan("tcp://127.0.0.1:1", b"x")
    server, address, _ = await clamd(b"INSTREAM size limit exceeded. ERROR\0")
    async with server:
        with pytest.raises(ScannerAway):
            await scan(address, b"x")


def test_the_settings_name_what_is_no_scanner():
    assert Settings.from_env({"GOVCHAT_CLAMD": "unix:///run/clamd.sock"}).clamd
    for wrong in ("clamd", "tcp://", "http://x:3310"):
        with pytest.raises(ConfigurationError, match="GOVCHAT_CLAMD"):
            Settings.from_env({"GOVCHAT_CLAMD": wrong})


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://f20-zpc.zdn.vn/8123/abc.jpg", True), ("https://zdn.vn/x", True), ("https://s160-ava-talk.zadn.vn/x", True),
        ("http://f20-zpc.zdn.vn/x", False), ("https://zdn.vn.evil.example/x", False), ("https://evilzdn.vn/x", False),
        ("https://me@f20.zdn.vn/x", False), ("https://f20.zdn.vn:8443/x", False), ("https://f20.zdn.vn@evil.example/x", False),
        ("https://169.254.169.254/x", False), ("file:///etc/passwd", False), ("https://[::1/x", False), ("", False),
    ],
)  # fmt: skip
def test_only_zalos_picture_hosts_are_asked(url, may):
    assert may_fetch(url, Settings()) is may
    assert not may_fetch("http://127.0.0.1:9/x", Settings())
    assert may_fetch("http://127.0.0.1:9/x", Settings(zalo_openapi_url="http://127.0.0.1:9"))
    assert not may_fetch("http://127.0.0.1:9/x", Settings(zalo_openapi_url="http://127.0.0.1:9", env="production"))


@pytest.fixture
async def pictures():
    async def serve(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name == "moved":
            raise web.HTTPFound("/good")
        if name == "gone":
            return web.Response(status=404)
        return web.Response(body=picture() if name == "good" else b"\0" * (MOST_BYTES + 1))

    app = web.Application()
    app.router.add_get("/{name}", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_picture_is_fetched_within_limits_and_without_detours(pictures):
    settings = Settings(zalo_openapi_url=pictures)
    async with aiohttp.ClientSession() as http:
        assert await fetch(http, f"{pictures}/good", settings) == picture()
        for name, error in (("moved", PictureNotFetched), ("gone", PictureNotFetched), ("large", FileTooLarge)):
            with pytest.raises(error):
                await fetch(http, f"{pictures}/{name}", settings)
        with pytest.raises(PictureNotFetched, match="not asked"):
            await fetch(http, "https://example.org/x.jpg", settings)
