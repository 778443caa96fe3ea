"""The lines about our side of a province: events and signatures that arrived, templates, catalogue, dossiers, testers, rules, incidents.

Each line is one function from the tenant's session and the ground to a `Line`; a room that learns a better fact changes its line here.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.access.models import ApiKeyRow
from govchat.citizens.models import CitizenRow
from govchat.dossiers.models import DossierRow
from govchat.incidents.models import Kind
from govchat.incidents.queries import open_incidents
from govchat.notices.fit import ANY
from govchat.notices.kinds import Kind as NoticeKind
from govchat.notices.models import NoticeSettingsRow
from govchat.notices.promise import days_of
from govchat.notices.templates import templates_of
from govchat.onboarding.line import Colour, Ground, Line, day, moment
from govchat.outbox.models import OutboxMessageRow
from govchat.procedures.catalogue import national_code
from govchat.tenants.models import TesterRow
from govchat.tenants.signatures import MISSING, NEAR_MISS

ENOUGH_SIGNED = 20
QUIET_WEBHOOK = timedelta(days=3)
QUIET_ONE_STOP = timedelta(days=3)
TEMPLATE_REFUSALS = (-131, -117, -146)  # not approved, not ours, disabled for low quality
APPROVED = "ENABLE"
UNSURE = ("typical", "unconfirmed")
SERIOUS = (Kind.CREDENTIAL, Kind.WEBHOOK, Kind.PACKAGE)
KINDS = {
    Kind.CREDENTIAL: "quyền gửi tin",
    Kind.WEBHOOK: "webhook",
    Kind.QUOTA: "hạn mức",
    Kind.PACKAGE: "gói dịch vụ",
    Kind.TEMPLATE: "mẫu tin",
    Kind.ONE_STOP: "hệ thống một cửa",
}


async def events(_: AsyncSession, ground: Ground) -> Line:
    """Zalo's events arrive."""
    title, last_at = "Webhook đã nhận sự kiện", ground.events.last_at
    todo = (
        f"Vào developers.zalo.me → ứng dụng → Webhook, lưu địa chỉ {ground.public_url}{ground.tenant.webhook_path}, bật các sự kiện, "
        "rồi nhắn thử một tin cho OA."
    )
    if last_at is None:
        return Line(key="events", title=title, colour=Colour.RED, says="Chưa nhận sự kiện nào.", todo=todo)
    says = f"Sự kiện gần nhất lúc {moment(last_at)} ({ground.events.last_name})."
    if ground.now - last_at > QUIET_WEBHOOK:
        todo = f"Nhắn thử một tin cho OA; nếu không thấy gì: {todo}"
        return Line(key="events", title=title, colour=Colour.AMBER, says=says, todo=todo)
    return Line(key="events", title=title, colour=Colour.GREEN, says=says)


async def signature(_: AsyncSession, ground: Ground) -> Line:
    """Events are signed with the secret we hold; says when it is safe to enforce."""
    app, slug, seen = ground.tenant.app, ground.tenant.slug, ground.events
    check_secret = (
        f"Chép lại Khóa bí mật OA trong developers.zalo.me → ứng dụng → Webhook: govchat secret set {slug} oa-secret"
    )
    if app.oa_secret is None:
        colour, says, todo = Colour.RED, "Chưa có khóa để kiểm tra chữ ký: sự kiện bị bỏ qua.", check_secret
    elif app.enforce and seen.signed:
        right = f"{seen.signed} sự kiện gần đây đúng chữ ký ({', '.join(seen.variants)})"
        colour, says, todo = Colour.GREEN, f"Đang bắt buộc (enforce); {right}.", ""
    elif app.enforce:
        says = "Đang bắt buộc (enforce), chưa có sự kiện nào để đối chiếu."
        colour, todo = Colour.AMBER, "Nhắn thử một tin cho OA."
    elif seen.unsigned:
        wrong = f"{seen.unsigned} trên {seen.unsigned + seen.signed} sự kiện gần đây sai chữ ký hoặc không có chữ ký"
        colour, todo = Colour.RED, check_secret
        if seen.reasons == (MISSING,):
            todo = "Tìm nơi khác ngoài Zalo gọi vào địa chỉ webhook, hoặc thiết bị trung gian bỏ mất tiêu đề X-ZEvent-Signature."
        elif NEAR_MISS in seen.reasons:
            todo = "Chữ ký được lập theo mã OA thay vì mã ứng dụng: báo đơn vị phát triển."
        says = f"Đang theo dõi (observe); {wrong}. Chưa được chuyển sang enforce."
    elif seen.signed < ENOUGH_SIGNED:
        says = f"Đang theo dõi (observe); {seen.signed} sự kiện đúng chữ ký, chưa đủ {ENOUGH_SIGNED} để kết luận."
        colour, todo = Colour.AMBER, "Nhắn thêm vài tin cho OA rồi xem lại."
    else:
        right = f"cả {seen.signed} sự kiện gần đây đúng chữ ký ({', '.join(seen.variants)})"
        says = f"Đang theo dõi (observe); {right}. An toàn để chuyển sang enforce."
        colour, todo = Colour.AMBER, f'Đặt signature = "enforce" trong tenant.toml rồi chạy govchat tenant apply {slug}'
        if app.key != slug:  # enforced for all who share it
            todo = f"Ứng dụng {app.key} dùng chung: khi dòng này của mọi đơn vị dùng chung cũng an toàn, {todo[0].lower()}{todo[1:]}"
    return Line(key="signature", title="Chữ ký sự kiện", colour=colour, says=says, todo=todo)


async def templates(session: AsyncSession, ground: Ground) -> Line:
    """Approved message templates as Zalo last described them, and whether each notice has one that may be sent."""
    slug, tenant_id = ground.tenant.slug, ground.tenant.id

    def line(colour: Colour, says: str, todo: str = "") -> Line:
        return Line(key="templates", title="Mẫu tin đã được duyệt", colour=colour, says=says, todo=todo)

    refused = ground.refused(*TEMPLATE_REFUSALS)
    if refused is not None:
        todo = "Xem trạng thái và lý do của mẫu tin trong account.zalo.cloud, sửa rồi gửi duyệt lại."
        return line(Colour.RED, f"Zalo từ chối một mẫu tin với mã {refused}.", todo)
    found = await templates_of(session, tenant_id)
    settled = await session.get(NoticeSettingsRow, tenant_id)
    if not found:
        asked = settled.templates_asked_at if settled else None
        says = (
            f"Zalo chưa có mẫu tin nào (hỏi lúc {moment(asked)})." if asked else "Chưa đọc danh sách mẫu tin từ Zalo."
        )
        todo = (
            "Tạo mẫu tin trong account.zalo.cloud và gửi duyệt; quá 7 ngày không tương tác chỉ gửi được theo mẫu. "
            f"Đọc lại: govchat template sync {slug}"
        )
        return line(Colour.AMBER, says, todo)
    approved = [each for each in found if each.status == APPROVED]
    read_at = moment(max(each.synced_at for each in found))
    says = f"{len(approved)} trên {len(found)} mẫu tin được duyệt (đọc lúc {read_at})."
    stale = [each.template_id for each in found if each.kinds and each.status != APPROVED]
    if stale:
        todo = f"Sửa mẫu trong account.zalo.cloud rồi gửi duyệt lại, hoặc gán mẫu khác: govchat template map {slug}"
        return line(Colour.AMBER, f"{says} Mẫu đang dùng không còn được duyệt: {', '.join(stale)}.", todo)
    covered = {kind for each in approved for kind in each.kinds}
    missing = [] if ANY in covered else [kind.value for kind in NoticeKind if kind.value not in covered]
    if missing:
        says += f" {len(missing)} loại thông báo chưa có mẫu: {_some(missing)}."
        return line(Colour.AMBER, says, f"Gán một mẫu chung: govchat template map {slug} any MÃ_MẪU")
    if not (settled and settled.monthly_budget):
        todo = f"Đặt ngân sách tháng: govchat notice settings {slug} --monthly-budget ĐỒNG"
        return line(Colour.AMBER, f"{says} Chưa có ngân sách nên không mẫu nào được gửi.", todo)
    return line(Colour.GREEN, f"{says} Mọi loại thông báo đều có mẫu.")


async def catalogue(session: AsyncSession, ground: Ground) -> Line:
    """Every procedure that dossiers name is in the province's catalogue; figures without a source are told."""
    known, title = ground.catalogue, "Danh mục thủ tục hành chính"
    used = await session.scalars(
        select(DossierRow.procedure_code).where(DossierRow.tenant_id == ground.tenant.id).distinct()
    )
    unknown = sorted({national_code(code) or code for code in used if known.get(code) is None})
    if unknown:
        says = f"{len(unknown)} thủ tục có hồ sơ nhưng chưa có trong danh mục: {_some(unknown)}."
        todo = f"Bổ sung các thủ tục này: govchat procedure import {ground.tenant.slug} TỆP"
        return Line(key="catalogue", title=title, colour=Colour.RED, says=says, todo=todo)
    editions = list(known.editions())
    unsure = sum(
        each.procedure.limit.certainty in UNSURE or each.procedure.fee.certainty in UNSURE for each in editions
    )
    own = sum(each.override > 0 for each in editions)
    says = f"{len(editions)} thủ tục" + (f", {own} theo công bố của tỉnh" if own else " dùng chung")
    if unsure:
        says += f"; {unsure} thủ tục có thời hạn hoặc lệ phí chưa có căn cứ, người dân được báo là cần hỏi lại."
        todo = (
            f"Xem từng con số: govchat procedure flags {ground.tenant.slug}; đối chiếu với quyết định công bố của tỉnh rồi nhập: "
            f"govchat procedure import {ground.tenant.slug} TỆP"
        )
        return Line(key="catalogue", title=title, colour=Colour.AMBER, says=says, todo=todo)
    return Line(key="catalogue", title=title, colour=Colour.GREEN, says=f"{says}.")


async def promise(session: AsyncSession, ground: Ground) -> Line:
    """What was promised of notices and what was kept, over the last week: 95 % with Zalo within 10 s, 99 % within 60 s."""
    days = await days_of(session, ground.tenant.id)
    accepted = sum(each.accepted for each in days)

    def line(colour: Colour, says: str, todo: str = "") -> Line:
        return Line(key="promise", title="Thông báo đến Zalo kịp thời", colour=colour, says=says, todo=todo)

    if not accepted:
        return line(Colour.GREEN, "Chưa có thông báo nào để đo.")
    ten, sixty = (sum(getattr(each, name) for each in days) / accepted for name in ("within_10", "within_60"))
    says = (
        f"{len(days)} ngày gần nhất: {accepted} thông báo, {_percent(ten)} trong 10 giây (cam kết 95 %), "
        f"{_percent(sixty)} trong 60 giây (cam kết 99 %)."
    )
    broken = [f"{each.day:%d/%m}" for each in days if not each.kept]
    if not broken:
        return line(Colour.GREEN, says)
    says += f" Không đạt: {', '.join(broken)}."
    todo = f"Tìm nguyên nhân từng thông báo: govchat notice unreached {ground.tenant.slug}, govchat explain MÃ."
    return line(Colour.AMBER, says, todo)


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %".replace(".", ",")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" và {len(names) - 5} mục khác" if len(names) > 5 else "")


async def one_stop(session: AsyncSession, ground: Ground) -> Line:
    """The one-stop system has a key and sent dossiers lately."""
    title, tenant = "Hệ thống một cửa đã kết nối", ground.tenant
    count, last = (
        await session.execute(
            select(func.count(), func.max(DossierRow.updated_at)).where(DossierRow.tenant_id == tenant.id)
        )
    ).one()
    keys = await session.scalar(
        select(func.count()).where(
            ApiKeyRow.tenant_id == tenant.id,
            ApiKeyRow.revoked_at.is_(None),
            ApiKeyRow.mode == "live",
            ApiKeyRow.scopes.contains(["dossiers:write"]),
        )
    )
    make_key = f"Cấp khóa: govchat key create --tenant {tenant.slug} --scope dossiers:write --scope dossiers:read"

    def line(colour: Colour, says: str, todo: str = "") -> Line:
        return Line(key="one_stop", title=title, colour=colour, says=says, todo=todo)

    if not count or last is None:
        says = "Đã cấp khóa, chưa nhận hồ sơ nào." if keys else "Chưa cấp khóa, chưa nhận hồ sơ nào."
        return line(Colour.RED, says, "Nhà cung cấp phần mềm một cửa gửi hồ sơ đầu tiên." if keys else make_key)
    says = f"{count} hồ sơ, gần nhất lúc {moment(last)}."
    if not keys:
        return line(Colour.AMBER, f"{says} Không có khóa đang dùng để gửi tiếp.", make_key)
    if ground.now - last > QUIET_ONE_STOP:
        return line(Colour.AMBER, says, "Hỏi nhà cung cấp phần mềm một cửa vì sao không gửi hồ sơ mới.")
    return line(Colour.GREEN, says)


async def testers(session: AsyncSession, ground: Ground) -> Line:
    """Listed testers wrote to the account and were answered."""
    title, tenant = "Người thử đã dùng thử", ground.tenant
    listed = await session.scalar(select(func.count()).where(TesterRow.tenant_id == tenant.id)) or 0
    tried = await session.scalar(
        select(func.count())
        .select_from(TesterRow)
        .join(
            CitizenRow,
            (CitizenRow.tenant_id == TesterRow.tenant_id) & (CitizenRow.zalo_user_id == TesterRow.zalo_user_id),
        )
        .where(
            TesterRow.tenant_id == tenant.id,
            CitizenRow.last_interaction_at.is_not(None),
            select(OutboxMessageRow.id)
            .where(
                OutboxMessageRow.tenant_id == CitizenRow.tenant_id,
                OutboxMessageRow.citizen_id == CitizenRow.id,
                OutboxMessageRow.state == "sent",
            )
            .exists(),
        )
    )
    if tried:
        says = f"{tried} trên {listed} người thử đã nhắn và được trả lời."
        return Line(key="testers", title=title, colour=Colour.GREEN, says=says)
    if tenant.state == "live":
        says = "Đang vận hành, không có ghi nhận của người thử."
        todo = "Nhắn thử cho OA bằng máy của mình, tra cứu một hồ sơ; không cản vận hành."
        return Line(key="testers", title=title, colour=Colour.AMBER, says=says, todo=todo)
    add = f"Thêm người thử: govchat tenant tester add {tenant.slug} MÃ_ZALO (mã: govchat tenant tester recent {tenant.slug})"
    if not listed:
        return Line(key="testers", title=title, colour=Colour.RED, says="Chưa có người thử.", todo=add)
    says = f"{listed} người thử, chưa ai nhắn và được trả lời."
    todo = f"Chuyển sang chạy thử (govchat tenant move {tenant.slug} trial), mời người thử nhắn cho OA."
    if tenant.state == "trial":
        todo = "Mời người thử nhắn cho OA, hỏi một hồ sơ."
    return Line(key="testers", title=title, colour=Colour.RED, says=says, todo=todo)


async def quiet_hours(_: AsyncSession, ground: Ground) -> Line:
    """The night in which no broadcast goes out is set."""
    hours = ground.tenant.manifest.quiet_hours
    title = "Giờ nghỉ, không gửi thông báo và tin chung"
    if hours.from_ != hours.to:
        says = f"Từ {hours.from_} đến {hours.to}."
        return Line(key="quiet_hours", title=title, colour=Colour.GREEN, says=says)
    todo = "Đặt [quiet_hours] trong tenant.toml; Zalo không nhận tin quảng bá từ 22:00 đến 06:00."
    return Line(key="quiet_hours", title=title, colour=Colour.AMBER, says="Không đặt giờ nghỉ.", todo=todo)


async def data_record(_: AsyncSession, ground: Ground) -> Line:
    """The record of processing personal data (Law 91/2025/QH15, Decree 356/2025) is filled in and signed."""
    title = "Hồ sơ xử lý dữ liệu cá nhân"
    confirmed = ground.confirmations.get("data_record")
    if confirmed is not None:
        note = f": {confirmed.note}" if confirmed.note else ""
        says = f"{confirmed.by} xác nhận ngày {day(confirmed.at)}{note}."
        return Line(key="data_record", title=title, colour=Colour.GREEN, says=says)
    todo = (
        "Lập hồ sơ theo Luật 91/2025/QH15 và Nghị định 356/2025/NĐ-CP, người có thẩm quyền ký, rồi ghi nhận: "
        f'govchat tenant confirm {ground.tenant.slug} data_record --by "Họ tên" --note "Số văn bản"'
    )
    return Line(key="data_record", title=title, colour=ground.missing, says="Chưa ghi nhận.", todo=todo)


async def incidents(session: AsyncSession, ground: Ground) -> Line:
    """What is wrong right now."""
    found = await open_incidents(session, ground.tenant.id)
    if not found:
        return Line(key="incidents", title="Sự cố đang mở", colour=Colour.GREEN, says="Không có.")
    colour = Colour.RED if any(each.kind in SERIOUS for each in found) else Colour.AMBER
    says = " ".join(f"({KINDS[each.kind]}, từ {moment(each.opened_at)}) {each.says}" for each in found)
    todo = " ".join(dict.fromkeys(each.todo for each in found))
    return Line(key="incidents", title=f"Sự cố đang mở: {len(found)}", colour=colour, says=says, todo=todo)
