"""Whether an error means that PostgreSQL is away, not that a statement was wrong: the difference between "try again" and a fault of ours.

Errors come wrapped by SQLAlchemy, or from asyncpg where a transaction begins and ends.
"""

import asyncpg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# Everything that asking the database anything may raise.
# `InternalClientError` is what asyncpg raises on a connection whose server is about to hang up.
ANY_FAILURE = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

# By SQLSTATE: 08 the connection broke, 53 the server lacks room, 57 it is ending, starting or ended the query; 55000 it lets nobody in.
CLASSES, STATES = ("08", "53", "57"), ("55000",)


def is_away(error: BaseException) -> bool:
    """True where the same request may succeed later, unchanged."""
    if isinstance(error, asyncpg.InternalClientError):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        state = getattr(error.orig, "sqlstate", None)
    elif isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error) or "connection" in str(error)
    else:
        state = getattr(error, "sqlstate", None)
    if state:
        return str(state)[:2] in CLASSES or state in STATES
    return isinstance(error, OSError | PoolTimeout | TimeoutError)
