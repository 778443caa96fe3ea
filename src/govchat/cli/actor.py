"""Who runs a command, for the record of changes."""

import getpass


def actor() -> str:
    """`cli:` and the name of the operating system's user."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user without a name
        return "cli:unknown"
