"""Parts that `govchat up` starts before the database is there: they load what they need, the slowest of what they do, and wait here.

A line on standard input lets them go on; the end of it says that whoever held them is gone.
"""

import os
import sys

HELD = "GOVCHAT_HELD"


def wait_to_be_released() -> None:
    """Return at once unless `up` holds this process."""
    if os.environ.pop(HELD, "") and not sys.stdin.buffer.readline():
        sys.exit()
