"""The object storage, through obstore: `file:///…` or `s3://bucket/prefix`; one key a file, `<tenant>/<file>`.

For S3 the usual `AWS_*` variables say region, endpoint and credentials. What is stored is sealed already.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

import structlog
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from govchat.errors import ConfigurationError, DomainError
from govchat.settings import Settings

log = structlog.get_logger()


class FileNotThere(DomainError):
    """No such file, or it was deleted."""

    status = 404
    code = "file_not_found"
    title = "No such file"


class FilesAway(DomainError):
    """The object storage does not answer."""

    status = 503
    code = "files_away"
    title = "The file storage does not answer"


class Store:
    """The storage of this installation."""

    def __init__(self, storage: ObjectStore) -> None:
        self._storage = storage

    @classmethod
    def open(cls, settings: Settings) -> "Store":
        """As `GOVCHAT_FILES_URL` says, else the folder `files` in the data folder; raises `ConfigurationError`."""
        url = settings.files_url or (settings.data_dir.absolute() / "files").as_uri()
        parts = urlsplit(url)
        try:
            if parts.scheme == "file":
                return cls(LocalStore(Path(unquote(parts.path)), mkdir=True))
            if parts.scheme == "s3":
                return cls(from_url(url))
        except (BaseError, OSError, ValueError) as error:
            raise ConfigurationError(f'GOVCHAT_FILES_URL "{url}": {type(error).__name__}, can\'t be opened') from error
        raise ConfigurationError(f'GOVCHAT_FILES_URL "{url}": expected file:///folder or s3://bucket/prefix')

    async def put(self, tenant_id: UUID, file_id: UUID, sealed: bytes) -> None:
        """Store; raises `FilesAway`."""
        try:
            await self._storage.put_async(_key(tenant_id, file_id), sealed)
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def get(self, tenant_id: UUID, file_id: UUID) -> bytes:
        """What was stored; raises `FileNotThere`, `FilesAway`."""
        try:
            answer = await self._storage.get_async(_key(tenant_id, file_id))
            return bytes(await answer.bytes_async())
        except (NotFoundError, FileNotFoundError):
            raise FileNotThere(f'file "{file_id}" is not in the storage') from None
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def delete(self, tenant_id: UUID, file_id: UUID) -> None:
        """Delete, if it is there; raises `FilesAway`."""
        try:
            await self._storage.delete_async(_key(tenant_id, file_id))
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def listed(self, tenant_id: UUID) -> AsyncIterator[tuple[UUID, datetime]]:
        """Every file of the tenant in the storage and when it was stored; raises `FilesAway`."""
        try:
            async for some in self._storage.list(prefix=str(tenant_id)):
                for each in some:
                    yield UUID(each["path"].rpartition("/")[2]), each["last_modified"]
        except (BaseError, OSError) as error:
            raise _away(error) from error


def _key(tenant_id: UUID, file_id: UUID) -> str:
    return f"{tenant_id}/{file_id}"


def _away(error: Exception) -> FilesAway:
    # The error's own text names buckets and paths: for the log alone.
    log.warning("files.storage_away", error=type(error).__name__)
    return FilesAway("the file storage does not answer: try again later")
