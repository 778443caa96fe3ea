"""The books of one province: its catalogue as it stands today, the words it is asked with, and where to browse.

The index of names is shared by all provinces (a procedure that one of them does not offer is left out where it is read); a province adds
its own everyday words from `tenants/SLUG/words.toml`. Made by `desk`, handed to the steps in their `Context`.
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache

import msgspec

from govchat.conversation.rulebook import shared_book
from govchat.language.book import Book
from govchat.procedures.book import Lookup
from govchat.procedures.catalogue import Procedure, starter


def _everything(_procedure: Procedure, _on: date) -> bool:
    return True


class Shelf(msgspec.Struct, frozen=True):
    """`words` is the language's book; `fields` lists the codes of each field (lĩnh vực), those asked for most first. `offers` tells
    whether the province has a procedure on that day: what another province issued is none of its own.
    """

    catalogue: Lookup
    words: Book
    fields: Mapping[str, tuple[str, ...]]
    offers: Callable[[Procedure, date], bool] = _everything

    def find(self, code: str, today: date) -> Procedure | None:
        """The procedure as it holds today, or the one that replaced it; None when it is unknown, hidden or withdrawn."""
        for _ in range(3):  # replacements of replacements
            found = self.catalogue.get(code, today)
            if found is None or not found.replaced_by or found.replaced_by == found.code:
                break
            code = found.replaced_by
        if found is None or found.hidden or found.withdrawn or found.replaced_by:
            return None
        return found if self.offers(found, today) else None


def by_field(book: Book) -> dict[str, tuple[str, ...]]:
    """The codes of each field in a book's index, those of the starter catalogue first."""
    first = {each.code for each in starter()}
    found: dict[str, list[str]] = {}
    for code, field in zip(book.names.codes, book.names.fields, strict=True):
        found.setdefault(field, []).append(code)
    return {field: tuple(sorted(codes, key=lambda code: (code not in first, code))) for field, codes in found.items()}


@cache
def starter_shelf() -> Shelf:
    """The shipped catalogue with the shipped words."""
    return Shelf(starter(), shared_book(), by_field(shared_book()), lambda each, _: not each.is_provincial)
