"""Starting processes that can't outlive us, and recognising those that once were ours.

On Linux the kernel ends a child when its parent dies, however the parent dies. PostgreSQL refuses to run as root, so a child may
also become another user; when that user couldn't reach the folders, it keeps the one right to read past them.
"""

import ctypes
import os
import pwd
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from govchat.errors import ConfigurationError

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 28, 47, 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Identity(msgspec.Struct, frozen=True):
    """The user a child becomes. `capability` is what it keeps of root to reach folders closed to it, if anything."""

    uid: int
    gid: int
    name: str
    capability: int | None = None


def server_identity(owned: Path, needed: Sequence[Path]) -> Identity | None:
    """Whom a server that refuses root runs as: None when we are not root, else `owned`'s owner, `postgres` or `nobody`.

    `needed` are folders it must reach. Raises `ConfigurationError` when it can't.
    """
    if os.geteuid() != 0:
        return None
    entry = _account(owned)
    closed = next((folder for path in needed for folder in _ancestors(path) if not _open_to(folder, entry)), None)
    if closed is None:
        return Identity(entry.pw_uid, entry.pw_gid, entry.pw_name)
    held = _effective_capabilities()
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if held >> capability & 1:
            return Identity(entry.pw_uid, entry.pw_gid, entry.pw_name, capability)
    raise ConfigurationError(
        f"PostgreSQL does not run as root, and the user {entry.pw_name} can't reach {closed}: "
        f"allow it (chmod o+x {closed}), or run govchat as an ordinary user"
    )


def _account(owned: Path) -> pwd.struct_passwd:
    if owned.exists() and (uid := owned.stat().st_uid) != 0:
        try:
            return pwd.getpwuid(uid)
        except KeyError:
            pass  # its user is gone; another one takes the folder over
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ConfigurationError(
        "PostgreSQL does not run as root and there is no user postgres or nobody: run govchat as an ordinary user"
    )


def _ancestors(path: Path) -> list[Path]:
    return [*path.resolve().parents][::-1]


def _open_to(folder: Path, entry: pwd.struct_passwd) -> bool:
    if not folder.exists():
        return True  # we are about to make it, and make it open
    found = folder.stat()
    if found.st_uid == entry.pw_uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == entry.pw_gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _effective_capabilities() -> int:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)


def spawn(
    arguments: Sequence[str],
    *,
    log: Path | int,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    death_signal: int = signal.SIGKILL,
    identity: Identity | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C reaches us alone.

    It appends to `log` and receives `death_signal` when the thread that called this ends; call it from the main thread.
    """
    output = log if isinstance(log, int) else os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603  # every argument is ours
            list(arguments),
            stdin=stdin,
            stdout=output if stdout is None else stdout,
            stderr=output,
            env=None if environ is None else dict(environ),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_before_exec(death_signal, identity),  # noqa: PLW1509  # we have one thread
        )
    except subprocess.SubprocessError:
        user = identity.name if identity is not None else "another user"
        raise ConfigurationError(
            f"PostgreSQL does not run as root, and here root may not become {user}: "
            "run govchat as an ordinary user, or set GOVCHAT_DATABASE_URL to a server of yours"
        ) from None
    finally:
        if not isinstance(log, int):
            os.close(output)


def _before_exec(death_signal: int, identity: Identity | None) -> Callable[[], None]:
    parent = os.getpid()

    def prepare() -> None:
        if identity is not None:
            _become(identity)
        if _libc is not None:
            # After the change of user, which forgets it.
            _libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:  # it died before we asked
                os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    return prepare


def _become(identity: Identity) -> None:
    os.umask(0o077)
    os.setgroups([])
    if identity.capability is not None and _libc is not None:
        # access(2), by which PostgreSQL looks for its own programs, leaves capabilities out unless this bit is set.
        _libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
        _libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setresgid(identity.gid, identity.gid, identity.gid)
    os.setresuid(identity.uid, identity.uid, identity.uid)
    if identity.capability is None or _libc is None:
        return
    kept = 1 << identity.capability
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(kept, kept, kept, 0, 0, 0)  # effective, permitted, inheritable; low and high words
    if _libc.capset(header, data) or _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, identity.capability, 0, 0):
        raise PermissionError("the right to read past closed folders could not be kept")


def born(pid: int) -> str | None:
    """When the process `pid` was started, as the system tells it, or None without such a process. Tells a reused pid apart."""
    if sys.platform == "linux":
        try:
            after_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return None
        return None if after_name[0] in (b"Z", b"X") else after_name[19].decode()
    return _ps(pid, "lstart=")


def command_line(pid: int) -> str:
    """The command line of `pid`, or an empty string."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    return _ps(pid, "command=") or ""


def _ps(pid: int, column: str) -> str | None:
    found = subprocess.run(["ps", "-o", column, "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return found.stdout.strip() or None


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may already be gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
