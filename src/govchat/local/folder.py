"""The data folder of `govchat up`: who works in it, the secrets made for it, its logs and the pids of its processes.

One `up` at a time holds its lock; the kernel lets go of it when that process ends, however it ends.
"""

import fcntl
import os
import secrets
import time
from base64 import b64encode
from contextlib import suppress
from pathlib import Path

import msgspec

from govchat.errors import ConfigurationError

LOG_BYTES = 5_000_000
LOCK, STACK, SECRETS, PROCESSES = "up.lock", "stack.json", "secrets.json", "processes.json"


class Secrets(msgspec.Struct, frozen=True):
    """Made once for a data folder. Losing `master_key` would make the credentials in its database unreadable."""

    superuser: str
    owner: str
    app: str
    valkey: str
    master_key: str


class DataFolder:
    """An opened data folder; its lock is held until `close`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    def log(self, name: str) -> Path:
        """The log of one process; yesterday's is kept as `.old` once it has grown large."""
        return self.path / "logs" / f"{name}.log"

    def secrets(self) -> Secrets:
        """The secrets of this folder, made when it is new. Raises `ConfigurationError` when they were lost."""
        path = self.path / SECRETS
        try:
            return msgspec.json.decode(path.read_bytes(), type=Secrets)
        except FileNotFoundError:
            if self.postgres.exists():
                raise ConfigurationError(
                    f"{path} is missing, without it the database beside it can't be opened: "
                    f"restore the file, or move {self.path} away to start with an empty one"
                ) from None
        except msgspec.DecodeError:
            raise ConfigurationError(
                f"{path} is damaged: restore it, or move {self.path} away to start with an empty database"
            ) from None
        superuser, owner, app, valkey = (secrets.token_urlsafe(24) for _ in range(4))
        made = Secrets(superuser, owner, app, valkey, b64encode(os.urandom(32)).decode())
        write_private(path, msgspec.json.encode(made))
        return made

    def close(self) -> None:
        """Let the next `up` in."""
        (self.path / STACK).unlink(missing_ok=True)
        os.close(self._lock)


def open_folder(path: Path) -> DataFolder:
    """Make or open a data folder and take its lock. Raises `ConfigurationError` in one sentence when that can't be."""
    path = path.resolve()  # one name for one folder: the server of an earlier run is recognised by it
    try:
        _check(path)
        path.mkdir(parents=True, exist_ok=True)
        # Root's PostgreSQL runs as another user, who must pass through to its own folder; everything else inside is 0600 or 0700.
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        (path / "logs").mkdir(mode=0o700, exist_ok=True)
        folder = DataFolder(path, _take_lock(path))
        for log in (path / "logs").glob("*.log"):
            if log.stat().st_size > LOG_BYTES:
                log.replace(log.with_suffix(".old"))
    except OSError as error:
        raise ConfigurationError(
            f"the data folder {path} can't be used ({error.strerror}: {error.filename}): "
            "give this user the right to write there, or choose another with --data-dir"
        ) from None
    return folder


def _check(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise ConfigurationError(
            f"the data folder {path} is a file: remove it, or choose another folder with --data-dir"
        )
    if path.is_dir() and not (path / LOCK).exists() and any(path.iterdir()):
        raise ConfigurationError(
            f"the folder {path} holds something else than govchat's data: choose an empty or new one with --data-dir"
        )


def _take_lock(path: Path) -> int:
    lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    # A reader looks whether we run by taking the lock for an instant, so one refusal is not yet the answer.
    for attempt in range(5):
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            return lock
        time.sleep(0.05 * attempt)
    pid = os.pread(lock, 20, 0).decode(errors="replace") or "unknown"
    os.close(lock)
    raise ConfigurationError(f"already running on {path} (process {pid}{_address(path)}): use it, or end it first")


def _address(path: Path) -> str:
    with suppress(OSError, msgspec.DecodeError, KeyError, TypeError):
        return f", {msgspec.json.decode((path / STACK).read_bytes())['environ']['GOVCHAT_PUBLIC_URL']}"
    return ", still starting"


def locked(path: Path) -> bool:
    """Whether an `up` holds this data folder now."""
    try:
        lock = os.open(path / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(lock)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, whole or not at all, and on the disk when this returns."""
    new = path.with_name(path.name + ".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    new.replace(path)
