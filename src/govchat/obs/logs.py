"""Structured logs: one line an event, JSON for machines or coloured text for people, no personal data.

Every line carries time, level, event, the process's part (api, worker, …) and, inside `tenant_bound`, the tenant's slug.
What other libraries say through `logging` takes the same way. A citizen appears as `citizen_hash`, never otherwise.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2s
from typing import Literal, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from govchat.obs.redact import redact

# What these libraries log at INFO is either noise or the data itself: SQLAlchemy's engine prints bound parameters.
_QUIET = {
    "sqlalchemy": logging.WARNING,
    "sqlalchemy.engine": logging.WARNING,
    "aiohttp.access": logging.WARNING,
    "uvicorn.access": logging.WARNING,
    "asyncio": logging.WARNING,
    "hypothesis": logging.WARNING,
}
# Set by our own processors, so free of anybody's data.
_OURS = ("time", "level", "part")

# These put handlers on their own loggers, which would print beside ours.
_WITH_HANDLERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "arq", "alembic", "aiohttp", "litestar", "sqlalchemy")


def configure(
    part: str, log_format: Literal["json", "console"] = "json", level: str = "info", stream: TextIO | None = None
) -> None:
    """Set logging up for this process: structlog and the standard library alike write to `stream` (standard output).

    `part` names the process in every line; may be called again, the last call holds. Start uvicorn with `log_config=None`.
    """
    out = stream or sys.stdout
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _part(part),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    last: list[Processor] = [
        structlog.processors.StackInfoRenderer(),
        # As text: where and what, never the values of local variables.
        structlog.processors.format_exc_info,
        redaction,
        _as_json if log_format == "json" else _console(out),
    ]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    foreign: list[Processor] = [*shared, structlog.stdlib.add_logger_name]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=foreign,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _plain_foreign, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name in _WITH_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.disabled = False
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, number))


@contextmanager
def tenant_bound(slug: str) -> Iterator[None]:
    """Everything logged inside carries the tenant's slug, in this task and those it starts."""
    with structlog.contextvars.bound_contextvars(tenant=slug):
        yield


def citizen_hash(key: bytes, tenant: str, user_id: str) -> str:
    """Sixteen hex digits that stand for one citizen of one tenant: joins log lines, leads back to nobody without the key.

    BLAKE2s keyed with `key` (longer keys are hashed first); raises ValueError for an empty key, which would hide nothing.
    """
    if not key:
        raise ValueError("the key of citizen hashes is empty: derive one from the master key")
    if len(key) > blake2s.MAX_KEY_SIZE:
        key = blake2s(key).digest()
    return blake2s(f"{tenant}\0{user_id}".encode(), key=key, digest_size=8, person=b"citizen").hexdigest()


def redaction(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """structlog processor: the last net (see `redact`), after exceptions became text and before anything is written."""
    ours = {key: event_dict.pop(key) for key in _OURS if key in event_dict}
    return {**ours, **redact(event_dict)}


def _console(out: TextIO) -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=out.isatty(), timestamp_key="time", exception_formatter=structlog.dev.plain_traceback
    )


def _part(part: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
        event_dict["part"] = part
        return event_dict

    return add


def _plain_foreign(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    # uvicorn adds the same message once more, with colours.
    event_dict.pop("color_message", None)
    return event_dict


def _as_json(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> str:
    try:
        return msgspec.json.encode(event_dict).decode()
    except (TypeError, ValueError, OverflowError, UnicodeError):
        # Lone surrogates and huge integers: a log line must never be the error.
        return json.dumps(event_dict, default=repr)
