"""Many dossiers at once: each item is read on its own, what can't be read is refused with its field, the others are taken in."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.dossiers import codes
from govchat.dossiers.intake import put_many
from govchat.dossiers.judge import Draft
from govchat.dossiers.schemas import BatchItem, FieldProblem, ItemProblem, ItemResult, Put
from govchat.errors import DomainError
from govchat.kit.crypto import TenantVault
from govchat.kit.fields import named
from govchat.procedures.book import Book


class _Coded(msgspec.Struct):
    """All that is looked at in an item that can't be read."""

    code: str | None = None


_ITEM, _CODED = msgspec.json.Decoder(BatchItem), msgspec.json.Decoder(_Coded)


async def put_batch(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    book: Book,
    items: Sequence[msgspec.Raw],
    *,
    test: bool = False,
) -> list[ItemResult]:
    """Take the items in; answers one result per item, in order."""
    read = [_read(item) for item in items]
    drafts = [each for each in read if isinstance(each, Draft)]
    taken = iter(await put_many(session, vault, tenant_id, book, drafts, test=test) if drafts else ())
    return [result_of(each.code, next(taken)) if isinstance(each, Draft) else each for each in read]


def result_of(code: str | None, result: Put | DomainError) -> ItemResult:
    """What is told of one item."""
    if isinstance(result, Put):
        return ItemResult(result.code, result.status, result.outcome, result.notices, result.flags)
    return refused(code, ItemProblem(result.code, result.title, result.detail))


def refused(code: str | None, problem: ItemProblem) -> ItemResult:
    """An item that was not taken in."""
    return ItemResult(code, None, "refused", 0, problem=problem)


def unfit(error: Exception) -> ItemProblem:
    """What is told of values that don't fit, by field."""
    field, message = named(str(error), whole="item")
    return ItemProblem("invalid", "The values don't fit", f"{field}: {message}", [FieldProblem(field, message)])


def _read(raw: msgspec.Raw) -> Draft | ItemResult:
    try:
        item = _ITEM.decode(raw)
        return Draft(code=item.code, key=codes.parse(item.code).key, given=item)
    except codes.CodeInvalid as error:
        problem = ItemProblem(error.code, error.title, error.detail, [FieldProblem("code", error.detail)])
        return refused(_code_of(raw), problem)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return refused(_code_of(raw), unfit(error))


def _code_of(raw: msgspec.Raw) -> str | None:
    try:
        code = _CODED.decode(raw).code
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return code[:80] if code else code
