"""`govchat up`: from an empty machine to a stack that answers, in the order that wastes no time, and back to nothing running.

Whatever doesn't depend on the database starts before it: Valkey, the simulator, the loading of the preparation's modules.
"""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import msgspec

from govchat.errors import ConfigurationError
from govchat.local import postgres, valkey
from govchat.local.folder import PROCESSES, DataFolder, Secrets, open_folder
from govchat.local.held import HELD
from govchat.local.ports import HOST, free_port, require_free
from govchat.local.spawn import spawn
from govchat.local.stack import write_stack
from govchat.local.steps import Order, Report
from govchat.local.supervise import Part, StopRequested, Supervisor, end_leftovers
from govchat.settings import Settings

PATIENCE = 60.0  # seconds for a part to be ready on a slow machine, before we say that it isn't

Say = Callable[[str], None]


def _module(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *words)


class Programs(msgspec.Struct, frozen=True):
    """The command lines of the parts that are ours; `{port}` is filled in."""

    preparation: tuple[str, ...] = _module("govchat.local.steps")
    api: tuple[str, ...] = _module("govchat", "api", "--port", "{port}")
    worker: tuple[str, ...] = _module("govchat", "worker")
    bulk_worker: tuple[str, ...] = _module("govchat", "worker", "--bulk")
    simulator: tuple[str, ...] = _module("govchat", "simulator", "--port", "{port}")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What `govchat up` was told."""

    data_dir: Path
    port: int
    simulator_port: int
    simulator: bool
    tenants: Path
    seed: bool


class _Check(msgspec.Struct):
    name: str
    ok: bool


class _Findings(msgspec.Struct):
    """What is read of the answer of `/healthz/ready`."""

    checks: list[_Check]


class Run(msgspec.Struct, frozen=True):
    """What the steps of one `up` share. The ports are those of the embedded servers, 0 where the environment names another server."""

    options: Options
    programs: Programs
    folder: DataFolder
    secrets: Secrets
    supervisor: Supervisor
    step: Say
    postgres_port: int
    valkey_port: int


def bring_up(options: Options, environ: Mapping[str, str], say: Say, programs: Programs = Programs()) -> None:
    """Start everything, keep it running until a signal, end everything.

    Raises `ConfigurationError` in one sentence when it can't start; nothing is left running then either.
    """
    began = time.monotonic()

    def step(text: str) -> None:
        say(f"[{time.monotonic() - began:5.1f} s] {text}")

    _check_environment(options, environ)
    folder = open_folder(options.data_dir)
    try:
        _check_ports(options)
        end_leftovers(folder.path / PROCESSES, step)
        supervisor = Supervisor(step, folder.path / PROCESSES)
        try:
            codes = _start(_plan(options, environ, folder, supervisor, step=step, programs=programs), environ)
            say(_ready_line(options, codes, time.monotonic() - began))
            supervisor.watch()
        except StopRequested:
            pass
        except OSError as error:
            raise ConfigurationError(f"the stack on {folder.path} can't go on: {error}") from error
        finally:
            step("stopping")
            supervisor.stop()
        step("stopped")
    finally:
        folder.close()


def _check_environment(options: Options, environ: Mapping[str, str]) -> None:
    Settings.from_env(environ)  # says what is wrong with it before anything starts
    if not options.tenants.is_dir():
        raise ConfigurationError(
            f"there is no folder {options.tenants} with tenants' manifests: name it with --tenants"
        )
    if _given(environ, "GOVCHAT_DATABASE_URL") and not _given(environ, "GOVCHAT_MIGRATION_DATABASE_URL"):
        raise ConfigurationError(
            "GOVCHAT_DATABASE_URL is set and GOVCHAT_MIGRATION_DATABASE_URL is not: `up` migrates first, as the role that owns the "
            "database; set both, or neither for the PostgreSQL that `up` brings along"
        )


def _check_ports(options: Options) -> None:
    if options.simulator and options.port == options.simulator_port:
        raise ConfigurationError(f"--port and --simulator-port are both {options.port}: choose two ports")
    require_free(options.port, "--port")
    if options.simulator:
        require_free(options.simulator_port, "--simulator-port")


def _given(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()


def _plan(
    options: Options,
    environ: Mapping[str, str],
    folder: DataFolder,
    supervisor: Supervisor,
    *,
    step: Say,
    programs: Programs,
) -> Run:
    """Look at everything that may be missing or broken before the first process starts."""
    own_postgres = not _given(environ, "GOVCHAT_DATABASE_URL")
    own_valkey = not _given(environ, "GOVCHAT_REDIS_URL")
    if own_postgres:
        postgres.binaries()
        postgres.require_usable(folder.postgres)
    if own_valkey:
        valkey.binary()
    return Run(
        options=options,
        programs=programs,
        folder=folder,
        secrets=folder.secrets(),
        supervisor=supervisor,
        step=step,
        postgres_port=free_port() if own_postgres else 0,
        valkey_port=free_port() if own_valkey else 0,
    )


def _start(run: Run, environ: Mapping[str, str]) -> list[str]:
    """Start every part and wait until the stack answers; returns sample dossier codes."""
    options, programs = run.options, run.programs
    children = _environment(run, environ)
    if run.valkey_port:
        store = _start_valkey(run)
    if options.simulator:
        run.step("starting the simulator")
        simulator = _start_own("simulator", programs.simulator, run, children, options.simulator_port)
    with _preparation(run, children) as preparation:
        api = _start_own("api", programs.api, run, children, options.port, held=True)
        worker = _start_own("worker", programs.worker, run, children, held=True)
        if run.postgres_port:
            _start_postgres(run)
        if run.valkey_port:
            ready = partial(valkey.is_ready, run.valkey_port, run.secrets.valkey)
            run.supervisor.wait_until(ready, store, PATIENCE, lambda: f"see {store.log}")
        order = Order(run.postgres_port, run.secrets if run.postgres_port else None, not run.valkey_port, options.seed)
        codes = _prepare(preparation, order, run)
    run.step("starting the API and the workers")
    for part in (api, worker):
        run.supervisor.release(part)
    write_stack(run.folder.path, children)
    _wait_for_answer(run, api, options.port, "/healthz/ready")
    _wait_for_answer(run, worker, options.port, "/healthz/ready", _hears_the_worker)
    if options.simulator:
        _wait_for_answer(run, simulator, options.simulator_port, "/")
    # Campaigns can wait a moment: loading a third copy of everything would hold up the first answer.
    _start_own("worker --bulk", programs.bulk_worker, run, children)
    return codes


def _start_valkey(run: Run) -> Part:
    run.step("starting Valkey")
    log = run.folder.log("valkey")
    start = partial(valkey.start_server, run.valkey_port, run.secrets.valkey, log)
    return run.supervisor.add(Part(name="Valkey", start=start, log=log, storing=True))


def _start_postgres(run: Run) -> None:
    cluster, log = run.folder.postgres, run.folder.log("postgres")
    identity = postgres.identity_for(cluster)
    if not cluster.exists():
        run.step("making a database folder")
        postgres.create_cluster(cluster, run.secrets.superuser, identity, log)
    run.step("starting PostgreSQL")
    part = Part(
        name="PostgreSQL",
        start=partial(postgres.start_server, cluster, run.postgres_port, identity, log),
        log=log,
        stop_signal=signal.SIGINT,  # ends sessions, writes a checkpoint
        abort_signal=signal.SIGQUIT,  # leaves that to the next start
        storing=True,
    )
    run.supervisor.add(part)

    def ready() -> bool:
        return part.child is not None and postgres.is_ready(cluster, part.child.pid)

    def why() -> str:
        complaint = postgres.last_complaint(log)
        return f"{complaint}; if {cluster} is damaged, restore it or move it away to start with an empty database"

    run.supervisor.wait_until(ready, part, PATIENCE, why)


def _start_own(
    name: str, program: tuple[str, ...], run: Run, environ: Mapping[str, str], port: int = 0, *, held: bool = False
) -> Part:
    """Start a part of ours. With `held` it loads what it needs and waits to be released."""
    log = run.folder.log(name.replace(" --", "-"))
    arguments = [word.replace("{port}", str(port)) for word in program]
    stdin = subprocess.PIPE if held else subprocess.DEVNULL
    start = partial(spawn, arguments, log=log, environ={**environ, **({HELD: "1"} if held else {})}, stdin=stdin)
    # The simulator ends with the stores: workers finish what they are sending to it.
    return run.supervisor.add(Part(name=name, start=start, log=log, storing=name == "simulator"))


def _wait_for_answer(
    run: Run, part: Part, port: int, path: str, says: Callable[[bytes], bool] = lambda _: True
) -> None:
    """Wait until the part's address answers, with a body that `says` it."""
    run.supervisor.wait_until(partial(_answers, port, path, says), part, PATIENCE, lambda: _last_line(part.log))


def _hears_the_worker(body: bytes) -> bool:
    """Whether a ready API knows that somebody will answer citizens; an answer without findings counts as none against it."""
    try:
        found = msgspec.json.decode(body, type=_Findings)
    except msgspec.DecodeError:
        return True
    return all(check.ok for check in found.checks if check.name == "worker")


def _environment(run: Run, environ: Mapping[str, str]) -> dict[str, str]:
    """What the children see: the environment as given, completed by what this run decides."""
    made = {
        "GOVCHAT_DATA_DIR": str(run.folder.path),
        "GOVCHAT_TENANTS_DIR": str(run.options.tenants.resolve()),
        "PYTHONUNBUFFERED": "1",
    }
    completed = {
        "GOVCHAT_ENV": "development",
        "GOVCHAT_PUBLIC_URL": f"http://{HOST}:{run.options.port}",
        "GOVCHAT_FILES_URL": (run.folder.path / "files").as_uri(),
        "MALLOC_ARENA_MAX": "2",  # idle processes stay small
    }
    if port := run.postgres_port:
        made["GOVCHAT_DATABASE_URL"] = postgres.server_url(postgres.APP, run.secrets.app, port)
        made["GOVCHAT_MIGRATION_DATABASE_URL"] = postgres.server_url(postgres.OWNER, run.secrets.owner, port)
        # A key that lives and dies with the database it seals; somebody else's database has somebody else's keys.
        completed["GOVCHAT_MASTER_KEYS"] = run.secrets.master_key
    if run.valkey_port:
        made["GOVCHAT_REDIS_URL"] = valkey.server_url(run.valkey_port, run.secrets.valkey)
    if run.options.simulator:
        simulator = f"http://{HOST}:{run.options.simulator_port}"
        completed |= {f"GOVCHAT_ZALO_{name}_URL": simulator for name in ("OPENAPI", "OAUTH", "BUSINESS")}
    given = {name: value for name, value in environ.items() if not name.startswith("GOVCHAT_") or value.strip()}
    return {**completed, **given, **made}


@contextmanager
def _preparation(run: Run, environ: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """The preparation's process, ended when the block is left however it is left."""
    pipe = subprocess.PIPE
    log = run.folder.log("preparation")
    child = spawn(run.programs.preparation, log=log, environ=environ, stdin=pipe, stdout=pipe)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        for end in (child.stdin, child.stdout):
            if end is not None:
                with suppress(BrokenPipeError):
                    end.close()


def _prepare(child: "subprocess.Popen[bytes]", order: Order, run: Run) -> list[str]:
    """Hand the order over and print what is reported; returns the sample codes."""
    assert child.stdin is not None
    assert child.stdout is not None
    with suppress(BrokenPipeError):
        child.stdin.write(msgspec.json.encode(order) + b"\n")
        child.stdin.flush()
    codes: list[str] = []
    error, rest = "", b""
    while True:
        if not run.supervisor.pause(None, child.stdout.fileno()):
            continue
        read = os.read(child.stdout.fileno(), 65536)
        if not read:
            break
        *lines, rest = (rest + read).split(b"\n")
        for report in (msgspec.json.decode(line, type=Report) for line in lines):
            if report.step:
                run.step(report.step)
            error = report.error or error
            codes = report.codes or codes
    if child.wait() or error:
        raise ConfigurationError(
            error or f"the database could not be prepared: {_last_line(run.folder.log('preparation'))}"
        )
    return codes


def _answers(port: int, path: str, says: Callable[[bytes], bool]) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status < 400 and says(reply.read())
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _last_line(log: Path) -> str:
    with suppress(OSError):
        lines = [line for line in log.read_bytes()[-8000:].decode(errors="replace").splitlines() if line.strip()]
        if lines:
            return f"{lines[-1].strip()[:300]} (see {log})"
    return f"see {log}"


def _ready_line(options: Options, codes: list[str], seconds: float) -> str:
    api = f"http://{HOST}:{options.port}"
    parts = [f"govchat ready in {seconds:.1f} s: API {api}"]
    if options.simulator:
        parts.append(f"phone http://{HOST}:{options.simulator_port}")
    parts.append(f"docs {api}/schema")
    if codes:
        parts.append(f"try: tra cứu {', '.join(codes)}")
    return " · ".join(parts)
