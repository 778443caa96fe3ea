"""Which field a refusal of msgspec speaks of: the path from the top of what was sent, such as `applicant.phone`."""

import re

FIELD = re.compile(r" - at `(?:key in )?\$\.?(?P<path>[^`]*)`$")
# What msgspec says of a field that is missing or too many, and structs of their own.
NAMED = re.compile(r"\bfield `(?P<name>\w+)`")


def named(told: str, whole: str = "body") -> tuple[str, str]:
    """The field and what is wrong with it; `whole` stands for what was sent where no field is named."""
    where = FIELD.search(told)
    message = told[: where.start()] if where else told
    found = NAMED.search(message)
    parts = [where["path"] if where else "", found["name"] if found else ""]
    return ".".join(part for part in parts if part) or whole, message
