"""Whether an approved template can carry a campaign's message, and how much of it: what stands against it is told to officers."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.campaigns.schemas import Class, MessageIn, TemplateIn
from govchat.notices.models import ZbsTemplateRow
from govchat.outbox import shared
from govchat.outbox.shared import fill


async def longest_of(session: AsyncSession, tenant_id: UUID, message: MessageIn) -> dict[str, int]:
    """How many characters Zalo takes of each parameter of the message's template; what fields make longer is cut."""
    row = await session.get(ZbsTemplateRow, (tenant_id, message.template.template_id)) if message.template else None
    params = row.params if row is not None else []
    return {param["name"]: param["max_length"] for param in params if param.get("max_length")}


def template_trouble(row: ZbsTemplateRow | None, template: TemplateIn, kind: Class) -> str | None:
    """Why this template can't carry this message now, None when it can."""
    if row is None:
        return "chưa có ở đây: `govchat template sync SLUG` đọc các mẫu từ Zalo"
    against = (
        (row.status != "ENABLE", f"đang ở trạng thái {row.status}: Zalo chỉ gửi mẫu đã duyệt"),
        (row.price_uid is None, "không gửi được theo mã người dùng Zalo (UID)"),
        (
            (row.tag == "PROMOTION") != (kind == "promotion"),
            f"có nhãn {row.tag or '(trống)'}: chiến dịch loại {kind} cần mẫu khác",
        ),
    )
    return next((why for holds, why in against if holds), None) or _misfit(row, template)


def _misfit(row: ZbsTemplateRow, template: TemplateIn) -> str | None:
    params: Mapping[str, dict[str, Any]] = {param["name"]: param for param in row.params}
    for name, value in template.data.items():
        if name not in params:
            return f'không có tham số "{name}", mẫu có {", ".join(sorted(params))}'
        longest = params[name].get("max_length") or 0
        if longest and len(fill(value, shared.instead())) > longest:
            return f'nhận tối đa {longest} ký tự cho tham số "{name}"'
    missing = [name for name, param in params.items() if param.get("required", True) and name not in template.data]
    return f"còn thiếu tham số {', '.join(missing)}" if missing else None
