"""Lines of the checklist that only a person can confirm: kept with who says so, noted in the audit trail, taken back the same way."""

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note as note_act
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.onboarding.console import CONFIRMABLE
from govchat.onboarding.models import ConfirmationRow
from govchat.tenants.registry import Tenant

LONGEST = 500


class LineNotConfirmable(DomainError):
    """That line does not go by what people say."""

    status = 422
    code = "line_not_confirmable"
    title = "That line is not confirmed by people"


class NotConfirmed(DomainError):
    """There is nothing to take back."""

    status = 404
    code = "not_confirmed"
    title = "That line was not confirmed"


async def confirm(session: AsyncSession, tenant: Tenant, line: str, *, by: str, note: str, actor: str) -> None:
    """`by` says that `line` is done; a newer word replaces the older. Raises `LineNotConfirmable`."""
    _check(line)
    said = {"by": " ".join(by.split())[:LONGEST], "note": " ".join(note.split())[:LONGEST]}
    if not said["by"]:
        raise LineNotConfirmable('chưa có người chịu trách nhiệm: ghi bằng --by "Họ tên"')
    before = await session.get(ConfirmationRow, (tenant.id, line), populate_existing=True)
    was = None if before is None else {"by": before.by, "note": before.note}
    stored = {**said, "actor": actor, "at": clock.now()}
    await session.execute(
        insert(ConfirmationRow)
        .values(tenant_id=tenant.id, line=line, **stored)
        .on_conflict_do_update(index_elements=["tenant_id", "line"], set_=stored)
    )
    await note_act(session, tenant.id, actor=actor, act="checklist.confirmed", subject=line, before=was, after=said)


async def withdraw(session: AsyncSession, tenant: Tenant, line: str, *, actor: str) -> None:
    """Take a confirmation back. Raises `LineNotConfirmable`, `NotConfirmed`."""
    _check(line)
    removed = (
        await session.execute(
            delete(ConfirmationRow)
            .where(ConfirmationRow.tenant_id == tenant.id, ConfirmationRow.line == line)
            .returning(ConfirmationRow.by, ConfirmationRow.note)
        )
    ).one_or_none()
    if removed is None:
        raise NotConfirmed(f'"{tenant.slug}": chưa ai ghi nhận dòng "{line}"')
    was = {"by": removed.by, "note": removed.note}
    await note_act(session, tenant.id, actor=actor, act="checklist.withdrawn", subject=line, before=was)


def _check(line: str) -> None:
    if line not in CONFIRMABLE:
        raise LineNotConfirmable(
            f'dòng "{line[:60]}": chỉ ghi nhận được {", ".join(CONFIRMABLE)}; các dòng khác do hệ thống tự đo'
        )
