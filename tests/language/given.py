"""What the tests of the language read with: the book over the starter catalogue, and a finder of dossier codes."""

from datetime import date
from functools import cache

from govchat.conversation.rulebook import code_finder, shared_book
from govchat.language.book import Book
from govchat.language.read import Context, Reading
from govchat.language.read import read as read_with

TODAY = date(2026, 11, 22)


@cache
def the_book() -> Book:
    return shared_book()


def read(text: str, context: Context | None = None) -> Reading:
    return read_with(text, the_book(), context=context, find_codes=code_finder(TODAY))


def codes(reading: Reading) -> list[str]:
    return [candidate.code for candidate in reading.procedures]
