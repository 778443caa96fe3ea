"""Loading modules without what only costs time then: a fifth to a quarter of it goes to the garbage collector.

Modules stay for as long as the process: the collector would walk over all that was loaded again and again, and find nothing.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# structlog loads it, when it is there, for tracebacks that show local variables; ours never do (see `obs.logs`).
UNWANTED = ("rich",)


@contextmanager
def loading() -> Iterator[None]:
    """Import and build inside what stays for ever; the collector never looks at it again."""
    watched = gc.isenabled()
    gc.disable()
    hidden = [name for name in UNWANTED if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # what import takes for "not installed"
    try:
        yield
    finally:
        for name in hidden:
            if sys.modules.get(name) is None:
                sys.modules.pop(name, None)
        gc.freeze()
        if watched:
            gc.enable()
