"""The same storage on an S3 server: moto's, over real HTTP."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from time import sleep

import pytest
from tests.house import free_port

from govchat.files.store import FileNotThere, FilesAway, Store
from govchat.kit.ids import new_id
from govchat.settings import Settings

SERVER = "import sys; from moto.server import main; main(['-p', sys.argv[1]])"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-c", SERVER, url.rpartition(":")[2]]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while True:
        assert server.poll() is None, f"moto did not start: {server.stderr.read().decode()[-500:]}"
        try:
            urllib.request.urlopen(urllib.request.Request(f"{url}/ho-so", method="PUT")).close()
            break
        except urllib.error.URLError:
            sleep(0.05)
    yield url
    server.terminate()
    server.communicate()


@pytest.fixture
def store(s3: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b"), ("REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    return Store.open(Settings(files_url="s3://ho-so/govchat"))


async def test_files_are_put_listed_read_and_deleted(store: Store) -> None:
    tenant_id, other, file_id = new_id(), new_id(), new_id()
    await store.put(tenant_id, file_id, b"sealed" * 50_000)
    assert await store.get(tenant_id, file_id) == b"sealed" * 50_000
    assert [each async for each, _ in store.listed(tenant_id)] == [file_id]
    assert [each async for each, _ in store.listed(other)] == []
    with pytest.raises(FileNotThere):
        await store.get(other, file_id)
    await store.delete(tenant_id, file_id)
    await store.delete(tenant_id, file_id)
    with pytest.raises(FileNotThere):
        await store.get(tenant_id, file_id)


async def test_a_bucket_that_is_not_there_is_told_as_a_storage_that_is_away(store: Store) -> None:
    away = Store.open(Settings(files_url="s3://no-such-bucket/x"))
    with pytest.raises((FilesAway, FileNotThere)):
        await away.put(new_id(), new_id(), b"x")
