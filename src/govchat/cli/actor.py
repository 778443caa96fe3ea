"""Who runs a command, as the audit trail names them."""

import getpass
import os


def actor() -> str:
    """`cli:<user>` by the operating system's name, the number where it has none."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container's user often has no name
        name = str(os.getuid())
    return f"cli:{name}"
