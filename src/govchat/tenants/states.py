"""The states of a province, the moves that are lawful, and the one act that makes them.

`draft → trial → live → suspended → closed`. A province goes live only without a red line on its checklist, or by an override whose
reason stands in the audit trail; `onboarding` reads the checklist, this act keeps the rule.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.errors import DomainError
from govchat.tenants.models import STATES, TenantRecord

# From each state, where a province may go next. Nothing leads out of `closed`: its name, its trail and its dossiers stay.
MOVES: dict[str, tuple[str, ...]] = {
    "draft": ("trial", "closed"),
    "trial": ("live", "draft", "suspended", "closed"),
    "live": ("suspended", "closed"),
    "suspended": ("live", "trial", "closed"),
    "closed": (),
}

MEANING = {
    "draft": "đang chuẩn bị: nhận sự kiện, không trả lời ai",
    "trial": "chạy thử: chỉ người thử trong danh sách nhận tin, mỗi ngày 50 tin",
    "live": "đang vận hành: mọi người dân được phục vụ",
    "suspended": "tạm dừng: nhận sự kiện, không trả lời ai",
    "closed": "đã đóng",
}


class MoveRefused(DomainError):
    """That state can't be reached from this one."""

    status = 409
    code = "state_move_refused"
    title = "That move is not possible"


class NotReady(DomainError):
    """Red lines stand on the checklist; `extra["red"]` names them."""

    status = 409
    code = "not_ready_to_go_live"
    title = "The checklist has red lines"


class OverrideUnusable(DomainError):
    """An override without a reason, or where there is nothing to override."""

    status = 422
    code = "override_unusable"
    title = "The override can't be used"


async def move(
    session: AsyncSession,
    tenant_id: UUID,
    to: str,
    *,
    actor: str,
    red: Sequence[str] = (),
    override: str | None = None,
) -> str:
    """Bring a province into the state `to` and note it; answers the state it was in. In a transaction of the tenant.

    `red` are the keys of the checklist's red lines; they matter for going live alone. `override` is the reason for going live all the
    same. Raises `MoveRefused`, `NotReady`, `OverrideUnusable`.
    """
    row = await session.get_one(TenantRecord, tenant_id, with_for_update=True, populate_existing=True)
    before = row.state
    _check_lawful(row.slug, before, to)
    reason = _reason(override, to, red)
    if to == "live" and red and reason is None:
        raise NotReady(
            f'"{row.slug}" chưa vận hành được: bảng kiểm còn dòng đỏ {", ".join(red)}; xem việc phải làm bằng '
            f"`govchat tenant status {row.slug}`. Buộc phải vận hành ngay thì nêu lý do và người chịu trách nhiệm, được lưu trong nhật ký: "
            f'`govchat tenant move {row.slug} live --override "…"`',
            red=list(red),
        )
    row.state = to
    # The registry of every process reloads when this moves.
    row.updated_at = await session.scalar(select(func.clock_timestamp())) or row.updated_at
    await session.flush()
    after: dict[str, object] = {"state": to}
    if reason is not None:
        after |= {"override": reason, "red": list(red)}
    await note(
        session, tenant_id, actor=actor, act="tenant.moved", subject=row.slug, before={"state": before}, after=after
    )
    return before


def _check_lawful(slug: str, before: str, to: str) -> None:
    if to not in STATES:
        raise MoveRefused(f'không có trạng thái "{to}": chọn một trong {", ".join(STATES)}')
    if to in MOVES[before]:
        return
    onward = ", ".join(MOVES[before])
    way_out = f"từ {before} chỉ chuyển được sang {onward}" if onward else "đơn vị đã đóng thì không mở lại"
    raise MoveRefused(f'"{slug}" đang ở trạng thái {before}, không chuyển sang {to} được: {way_out}', state=before)


def _reason(override: str | None, to: str, red: Sequence[str]) -> str | None:
    """The override's reason, None when none is given."""
    if override is None:
        return None
    reason = " ".join(override.split())
    if not reason:
        raise OverrideUnusable("--override chưa có lý do: ghi vì sao vận hành khi còn dòng đỏ, và ai chịu trách nhiệm")
    if to != "live" or not red:
        raise OverrideUnusable(
            "không có gì để bỏ qua: chỉ dùng --override khi chuyển sang live mà bảng kiểm còn dòng đỏ"
        )
    return reason
