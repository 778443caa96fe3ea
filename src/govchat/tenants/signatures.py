"""Which kind of signature Zalo's events carry, and whether an app's manifest may say `enforce`.

Read from the hourly counts that `connect` keeps of every province's inbox; `webhook` names the variant of each event.
"""

from collections import Counter
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import text

from govchat.kit import clock
from govchat.tenants.registry import App, Registry

DAYS = 7
# Fewer signed events prove nothing: the console's test alone sends one.
ENOUGH = 20

# What `webhook` writes where no variant fitted, by the beginning of the word.
MISSING, INVALID, NEAR_MISS = "missing", "invalid", "near_miss"
# Messages that came from Zalo's list of chats carry no signature at all.
RECOVERED = "recovered"

COUNTS = text(
    "SELECT signature, sum(events)::bigint AS events, max(hour) AS last FROM webhook_hours "
    "WHERE tenant_id = :tenant AND hour >= :since GROUP BY signature"
)


class SignatureReport(msgspec.Struct, frozen=True, kw_only=True):
    """Events of the last days by variant (`body/app/mac`: timestamp of the body, key of the app, `mac=` before the hex).

    `body` also counts events whose two timestamps are equal. `oa` as key is the Official Account's own.
    """

    app: str
    since: datetime
    variants: dict[str, int]
    unsigned: dict[str, int]
    last_unsigned_at: datetime | None

    @property
    def signed(self) -> int:
        return sum(self.variants.values())


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """Whether enforcing is safe, and why, in Vietnamese for the checklist; `todo` is empty when nothing is to be done."""

    safe: bool
    enforcing: bool
    says: str
    todo: str
    report: SignatureReport


def is_signed(variant: str) -> bool:
    """Whether `webhook` found a fitting signature: variants are called `body/app/mac`, everything else tells why none fitted."""
    return "/" in variant and not variant.startswith(NEAR_MISS)


async def signature_report(registry: Registry, app: App, *, days: int = DAYS) -> SignatureReport:
    """Counts per variant over all provinces of the app; half a minute late."""
    since = clock.now() - timedelta(days=days)
    variants: Counter[str] = Counter()
    unsigned: Counter[str] = Counter()
    last: datetime | None = None
    for tenant in registry.now.of_app.get(app.app_id, ()):
        async with registry.db.tenant(tenant.id) as session:
            for row in await session.execute(COUNTS, {"tenant": tenant.id, "since": since}):
                if row.signature == RECOVERED:
                    continue
                signed = is_signed(row.signature)
                (variants if signed else unsigned)[row.signature] += row.events
                if not signed:
                    last = max(last, row.last) if last else row.last
    return SignatureReport(
        app=app.key, since=since, variants=dict(variants), unsigned=dict(unsigned), last_unsigned_at=last
    )


async def safe_to_enforce(registry: Registry, app: App, *, days: int = DAYS) -> Judgement:
    """Whether `[zalo] signature = "enforce"` would refuse nothing that Zalo sends now."""
    report = await signature_report(registry, app, days=days)
    says, todo = _judged(app, report, days)
    return Judgement(safe=not todo, enforcing=app.enforce, says=says, todo=todo, report=report)


def _judged(app: App, report: SignatureReport, days: int) -> tuple[str, str]:
    wrong = sum(report.unsigned.values())
    if app.oa_secret is None:
        return (
            "Chưa có khóa bí mật OA nên chưa kiểm tra được chữ ký.",
            "Lấy “Khóa bí mật OA” tại developers.zalo.me → Ứng dụng → Webhook, nạp bằng `govchat secret set SLUG oa-secret`.",
        )
    if wrong:
        return (
            f"Trong {days} ngày qua có {wrong} sự kiện sai chữ ký hoặc không có chữ ký, {report.signed} sự kiện đúng.",
            _way_out(report) + f" Bật enforce khi {days} ngày liền không còn sự kiện sai.",
        )
    if app.enforce:
        return f"Đang bắt buộc chữ ký; {report.signed} sự kiện đúng trong {days} ngày qua.", ""
    if report.signed < ENOUGH:
        return (
            f"Mới có {report.signed} sự kiện đúng chữ ký trong {days} ngày qua.",
            f"Đợi đủ {ENOUGH} sự kiện: nhắn thử vào Official Account.",
        )
    variants = ", ".join(sorted(report.variants))
    return f"{report.signed} sự kiện đều đúng chữ ký trong {days} ngày qua ({variants}); bật enforce được.", ""


def _way_out(report: SignatureReport) -> str:
    if any(kind.startswith(NEAR_MISS) for kind in report.unsigned):
        return "Chữ ký được lập theo mã OA thay vì mã ứng dụng: báo đơn vị phát triển."
    if INVALID in report.unsigned:
        return (
            "Đối chiếu khóa bí mật OA tại developers.zalo.me → Ứng dụng → Webhook và nạp lại bằng `govchat secret set SLUG oa-secret` "
            "(hoặc own-oa-secret nếu Official Account có khóa riêng)."
        )
    return "Có nơi khác ngoài Zalo gọi vào địa chỉ webhook, hoặc thiết bị trung gian bỏ mất tiêu đề X-ZEvent-Signature."
