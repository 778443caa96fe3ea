"""A province lays its own figures over a procedure, or keeps a procedure of its own: one version more, never a change of an old one."""

from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from govchat.audit import record
from govchat.errors import DomainError
from govchat.kit.text import clean
from govchat.procedures.book import Book, Lookup, in_force, read_layer, today
from govchat.procedures.catalogue import Procedure
from govchat.procedures.patch import NOTHING, Patch
from govchat.procedures.plan import Change
from govchat.procedures.rows import key_of
from govchat.procedures.write import lock_layer, write_overrides


class ProcedureCodeInvalid(DomainError):
    """The text is no code of a procedure."""

    status = 422
    code = "procedure_code_invalid"
    title = "No procedure code"


class OverrideRefused(DomainError):
    """What the province says does not fit what the catalogue has."""

    status = 422
    code = "procedure_override_refused"
    title = "The override does not fit the catalogue"


class Laid(msgspec.Struct, frozen=True):
    """What laying it over did: which code, which version stands, and what was there before."""

    code: str
    outcome: Literal["created", "updated", "unchanged"]
    version: int


def code_of(written: str) -> str:
    """The code a procedure is kept under; raises `ProcedureCodeInvalid`."""
    key = key_of(written)
    if key is None:
        raise ProcedureCodeInvalid(
            f'"{clean(written, 60)}" không phải mã thủ tục: mã có dạng 1.012753 hoặc 1.012753.H19, chép lại từ cơ sở dữ liệu quốc gia'
        )
    return key


async def lay_over(
    book: Book, tenant_id: UUID, written: str, patch: Patch, valid_from: date | None, *, actor: str, origin: str = "api"
) -> Laid:
    """Say `patch` of a procedure from `valid_from` on (left out: today; a new procedure: since ever).

    Raises `ProcedureCodeInvalid`, `OverrideRefused`.
    """
    code = code_of(written)
    patch = tidy(patch)
    view = await book.fresh(tenant_id)
    async with book.db.tenant(tenant_id) as session:
        await lock_layer(session, tenant_id)
        layer = await read_layer(session, tenant_id)
        on = valid_from or today()
        below = in_force(book.national.get(code, ()), on)
        before = in_force(layer.get(code, ()), on)
        check_fits(view, code, patch, below.procedure if below else None, on)
        said = before.patch if before else NOTHING
        if said == patch and (valid_from is None or before is None or before.valid_from == valid_from):
            return Laid(code, "unchanged", before.version if before else 0)
        since = valid_from if valid_from or below or before else None
        if since is None and (below or before):
            since = on
        name = patch.name if isinstance(patch.name, str) else below.procedure.name if below else code
        change = Change(outcome="changed", code=code, name=name, valid_from=since, patch=patch)
        versions = await write_overrides(session, tenant_id, [change], origin=origin, actor=actor)
        await record.note(
            session,
            tenant_id,
            actor=actor,
            act="procedure.overridden",
            subject=code,
            before=said.stored() if before else None,
            after={**patch.stored(), "valid_from": since.isoformat() if since else None, "version": versions[code]},
        )
    await book.fresh(tenant_id)
    return Laid(code, "updated" if before else "created", versions[code])


def tidy(patch: Patch) -> Patch:
    """Text as it is kept: NFC, without invisible characters and doubled blanks."""

    def tidied(value: object) -> object:
        if isinstance(value, str):
            return clean(value, 4000)
        if isinstance(value, tuple):
            return tuple(entry for each in value if (entry := tidied(each)) not in ("", None))
        if isinstance(value, msgspec.Struct):
            return msgspec.structs.replace(
                value, **{name: tidied(each) for name, each in msgspec.structs.asdict(value).items()}
            )
        return value

    return msgspec.structs.replace(patch, **{name: tidied(value) for name, value in patch.said().items()})


def check_fits(view: Lookup, code: str, patch: Patch, below: Procedure | None, on: date) -> None:
    """Raise `OverrideRefused` for what would lead a citizen nowhere."""
    if below is None and not (isinstance(patch.name, str) and patch.name):
        raise OverrideRefused(
            f'thủ tục "{code}" không có trong danh mục quốc gia: ghi name nếu là thủ tục riêng của tỉnh, hoặc đối chiếu lại mã',
            field="name",
        )
    if not isinstance(patch.replaced_by, str) or not patch.replaced_by:
        return
    seen = [code]
    following = patch.replaced_by
    while following:
        key = key_of(following)
        found = view.get(following, on) if key else None
        if key is None or found is None:
            raise OverrideRefused(
                f'replaced_by "{following}" không có trong danh mục: khai thủ tục ấy trước, hoặc đối chiếu lại mã',
                field="replaced_by",
            )
        if found.code in seen:
            raise OverrideRefused(
                f"replaced_by đi vòng: {' → '.join([*seen, found.code])}; ghi thủ tục đang có hiệu lực",
                field="replaced_by",
            )
        seen.append(found.code)
        following = found.replaced_by
