"""What holds for the cells of every catalogue file, text or workbook: how many there may be, and how each reads as text."""

from datetime import date, datetime, time

from govchat.errors import DomainError

MOST_ROWS = 50_000
MOST_COLUMNS = 200
LONGEST_CELL = 30_000  # characters; Excel itself holds no more than 32,767
# Offices put titles, numbers and dates of decisions above the header.
HEADER_WITHIN = 30


class FileUnreadable(DomainError):
    """The file is no catalogue that can be read."""

    status = 422
    code = "catalogue_file_unreadable"
    title = "The catalogue file can't be read"


def as_text(value: object) -> str:
    """A cell of a spreadsheet as somebody would read it; whole numbers without a point, dates as day/month/year."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "có" if value else "không"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        value = value.date() if value.time() == time(0) else value
    if isinstance(value, date) and not isinstance(value, datetime):
        return f"{value:%d/%m/%Y}"
    return "" if value is None else str(value)
