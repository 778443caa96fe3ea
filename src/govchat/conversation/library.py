"""The shelves of all provinces in one process: one index of names over the whole catalogue, each province's own words and view over it.

The index is made anew, beside the conversations, when the catalogue's list of procedures has changed; `words.toml` is read again when the
file has. Until then, and when either can't be read, the one before serves.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from uuid import UUID

import structlog

from govchat.conversation.rulebook import everyday, shared_book, tenant_book
from govchat.conversation.shelf import Shelf, by_field, starter_shelf
from govchat.errors import ConfigurationError
from govchat.language.book import Book as Words
from govchat.language.book import book as words_over
from govchat.language.names import Entry
from govchat.procedures.book import Book
from govchat.procedures.catalogue import Procedure
from govchat.tenants.registry import Tenant

log = structlog.get_logger()

WORDS_FILE = "words.toml"
_NOBODY = UUID(int=0)
_STARTER = (0, frozenset[str]())


class Library:
    """Made with the process's catalogue; `look` and `read_words` keep it up to date, `shelf` answers from memory."""

    def __init__(self, book: Book, tenants_dir: Path | str) -> None:
        self.book = book
        self.folder = Path(tenants_dir)
        self._shared: Words = shared_book()
        self._fields = starter_shelf().fields
        self._made_of: object = _STARTER
        self._marks: object = None
        self._texts: dict[UUID, tuple[int, str]] = {}
        self._words: dict[UUID, tuple[Words, str, Words]] = {}
        self._shelves: dict[UUID, tuple[Words, Shelf]] = {}
        self._making: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Begin to make the index anew when other procedures are listed than it was made of."""
        marks = self._stamps()
        if marks == self._marks or self._making is not None:
            return
        self._marks = marks
        made_of = self._mark()
        if made_of != self._made_of:
            self._making = asyncio.create_task(self._make(made_of))

    def shelf(self, tenant: Tenant) -> Shelf:
        """The province's books, as they are now."""
        words = self._words_of(tenant)
        kept = self._shelves.get(tenant.id)
        if kept is None or kept[0] is not words:
            kept = self._shelves[tenant.id] = (words, self._shelf(tenant.id, words))
        return kept[1]

    async def read_words(self, *tenants: Tenant) -> None:
        """Read those of these provinces' `words.toml` that are others than before."""
        await asyncio.to_thread(self._read_files, tenants)

    def _read_files(self, tenants: Sequence[Tenant]) -> None:
        for tenant in tenants:
            path = self.folder / tenant.slug / WORDS_FILE
            try:
                changed = path.stat().st_mtime_ns
                if self._texts.get(tenant.id, (0, ""))[0] != changed:
                    self._texts[tenant.id] = (changed, path.read_text("utf-8"))
            except FileNotFoundError:
                self._texts.pop(tenant.id, None)
            except (OSError, UnicodeDecodeError) as error:
                log.warning("words.not_read", tenant=tenant.slug, error=type(error).__name__)

    async def finish(self) -> None:
        """Wait for what is being made."""
        if self._making is not None:
            await self._making

    def _words_of(self, tenant: Tenant) -> Words:
        text = self._texts.get(tenant.id, (0, ""))[1]
        if not text:
            return self._shared
        kept = self._words.get(tenant.id)
        if kept is None or kept[0] is not self._shared or kept[1] != text:
            try:
                words = tenant_book(text, f"{tenant.slug}/{WORDS_FILE}", self._shared)
            except ConfigurationError as error:  # the file was checked when it was applied, and edited since
                log.warning("words.not_usable", tenant=tenant.slug, error=str(error)[:300])
                words = kept[2] if kept and kept[0] is self._shared else self._shared
            kept = self._words[tenant.id] = (self._shared, text, words)
        return kept[2]

    def _shelf(self, tenant_id: UUID, words: Words) -> Shelf:
        view, book = self.book.of(tenant_id), self.book

        def offers(procedure: Procedure, on: date) -> bool:
            if not procedure.is_provincial:
                return True
            edition = view.edition(procedure.code, on)
            return bool(edition and edition.override) or book.issues(tenant_id, procedure.issuer)

        return Shelf(view, words, self._fields, offers)

    async def _make(self, made_of: object) -> None:
        try:
            entries = list(self._entries())
            shared = await asyncio.to_thread(words_over, entries)
            self._fields = by_field(shared)
            self._shared, self._made_of = shared, made_of
            self._shelves.clear()
        except Exception as error:  # the index of before keeps serving; looked at again when the catalogue moves
            log.warning("names.not_made", error=type(error).__name__)
        finally:
            self._making = None

    def _stamps(self) -> object:
        return self.book.stamp(_NOBODY), tuple((each, self.book.stamp(each)) for each in self.book.layers)

    def _mark(self) -> object:
        """What the index is made of: the national layer, and the codes that provinces alone have."""
        national = self.book.national
        own = {code for layer in self.book.layers.values() for code in layer if code not in national}
        return self.book.stamp(_NOBODY)[0], frozenset(own)

    def _entries(self) -> Iterator[Entry]:
        """Every procedure of the national layer as it holds today, then those of provinces alone."""
        for editions in self.book.national.values():
            procedure = editions[-1].procedure
            yield procedure.code, procedure.name, procedure.field, everyday(procedure.aliases)
        for tenant_id, layer in self.book.layers.items():
            view = self.book.of(tenant_id)
            for code in layer:
                found = view.get(code) if code not in self.book.national else None
                if found is not None:
                    yield found.code, found.name, found.field, everyday(found.aliases)
