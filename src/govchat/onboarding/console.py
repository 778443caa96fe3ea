"""The lines about Zalo's side: secrets, the prerequisites in Zalo's consoles in their order, entitlement and package.

What Zalo itself shows counts first: a refusal makes a line red whatever people confirmed, an answer makes it green without them. Only
what Zalo does not show is left to a confirmation (`govchat tenant confirm`).
"""

import re
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit.clock import VN
from govchat.onboarding.line import Account, Colour, Ground, Line, day, moment

CONSOLE = "developers.zalo.me → ứng dụng"
# The keys of the lines that a person may confirm.
CONFIRMABLE = ("app", "api", "domain", "callback", "permissions", "link", "zbs", "package", "data_record")

PACKAGE_ENDS_SOON = timedelta(days=30)
# Requests a minute by package (facts of 2026-11); other names are not judged.
SMALL_PACKAGE, SMALL_RATE = "tăng trưởng", 100
GOVERNMENT = 4
BUY = "Vào oa.zalo.me → Quản lý → Gói dịch vụ, mua hoặc gia hạn gói có OpenAPI (OA cơ quan nhà nước: hỏi đầu mối Zalo)."


def _by_hand(ground: Ground, key: str, title: str, codes: tuple[int, ...], shown: str, todo: str) -> Line:
    """A prerequisite: red when Zalo refused for it, green when Zalo's answers `shown` it or somebody confirmed it."""
    refused = ground.refused(*codes)
    if refused is not None:
        says = f"Zalo từ chối với mã {refused}."
        return Line(key=key, title=title, colour=Colour.RED, says=says, todo=todo)
    if shown:
        return Line(key=key, title=title, colour=Colour.GREEN, says=shown)
    confirmed = ground.confirmations.get(key)
    if confirmed is not None:
        note = f": {confirmed.note}" if confirmed.note else ""
        says = f"{confirmed.by} xác nhận ngày {day(confirmed.at)}{note}."
        return Line(key=key, title=title, colour=Colour.GREEN, says=says)
    told = f"{todo} Xong thì ghi nhận: govchat tenant confirm {ground.tenant.slug} {key}"
    return Line(key=key, title=title, colour=ground.missing, says="Chưa có xác nhận.", todo=told)


async def secrets(_: AsyncSession, ground: Ground) -> Line:
    """App secret and OA secret are set."""
    app, slug = ground.tenant.app, ground.tenant.slug
    missing = [
        f"{name} ({place})"
        for name, value, place in (
            ("app-secret", app.app_secret, f"{CONSOLE} → Thông tin ứng dụng"),
            ("oa-secret", app.oa_secret, f"{CONSOLE} → Webhook, hiện sau khi lưu địa chỉ"),
        )
        if value is None
    ]
    title = "Khóa bí mật của ứng dụng"
    if not missing:
        return Line(key="secrets", title=title, colour=Colour.GREEN, says="Đã nhập app-secret và oa-secret.")
    return Line(
        key="secrets",
        title=title,
        colour=Colour.RED,
        says=f"Chưa nhập {', '.join(missing)}.",
        todo=f"Chép khóa từ nơi ghi trong ngoặc rồi nhập: govchat secret set {slug} TÊN",
    )


async def app(_: AsyncSession, ground: Ground) -> Line:
    """The app is activated (-209, -14002)."""
    return _by_hand(
        ground,
        "app",
        "Ứng dụng Zalo đã kích hoạt",
        (-209, -219, -14002, -14029, -101, -102, -103),
        "Zalo trả lời ứng dụng này." if ground.answered else "",
        f"Vào {CONSOLE} → Cài đặt, bật trạng thái hoạt động.",
    )


async def api(_: AsyncSession, ground: Ground) -> Line:
    """The product Official Account is registered for the app (-212)."""
    return _by_hand(
        ground,
        "api",
        "API Official Account đã đăng ký",
        (-212, -235),
        "Đã gọi được API của Official Account." if ground.answered else "",
        f"Vào {CONSOLE} → Sản phẩm → Official Account, đăng ký các API cần dùng.",
    )


async def domain(_: AsyncSession, ground: Ground) -> Line:
    """The domain is verified: Zalo sends events to no other."""
    return _by_hand(
        ground,
        "domain",
        "Tên miền đã xác thực",
        (),
        "Zalo đã gửi sự kiện tới tên miền này." if ground.events.signed else "",
        f"Vào {CONSOLE} → Xác thực domain, thêm {ground.public_url}, tải tệp zalo_verifier….html, cho hệ thống phục vụ tệp ấy "
        f"(govchat tenant verifier add {ground.tenant.slug} TỆP) rồi bấm xác thực.",
    )


async def callback(_: AsyncSession, ground: Ground) -> Line:
    """The callback address is saved (-14003)."""
    return _by_hand(
        ground,
        "callback",
        "Địa chỉ Callback đã lưu",
        (-14003,),
        "",
        f"Vào {CONSOLE} → Official Account → Thiết lập chung, lưu Official Account Callback Url "
        f"{ground.public_url}/oauth/zalo/callback (đổi địa chỉ này thì OA phải cấp quyền lại).",
    )


async def permissions(_: AsyncSession, ground: Ground) -> Line:
    """The groups of permissions are ticked; -223 says that one is missing, use shows those that are there."""
    used = ground.answered and ground.events.signed and ground.has_sent
    return _by_hand(
        ground,
        "permissions",
        "Các nhóm quyền đã chọn",
        (-223, -120, -138, -145),
        "Đã đọc được thông tin OA, nhận được sự kiện và gửi được tin." if used else "",
        f"Vào {CONSOLE} → Official Account → Thiết lập chung, chọn: gửi tin nhắn và thông báo, quản lý tin nhắn người dùng, "
        "quản lý thông tin OA, nhận sự kiện tin nhắn, người dùng và mẫu tin (đổi nhóm quyền thì OA phải cấp quyền lại).",
    )


async def consent(_: AsyncSession, ground: Ground) -> Line:
    """An administrator of the OA granted access, and the grant still works."""
    title, slug = "OA đã cấp quyền cho ứng dụng", ground.tenant.slug
    again = f"Quản trị viên của OA {ground.tenant.oa_id} cấp quyền: govchat tenant connect {slug}"
    match ground.credential:
        case "missing":
            return Line(key="consent", title=title, colour=Colour.RED, says="Chưa được cấp quyền.", todo=again)
        case "needs_reconsent":
            says = "Quyền đã hết hiệu lực hoặc bị thu hồi, không gửi được tin."
            return Line(key="consent", title=title, colour=Colour.RED, says=says, todo=again)
        case "expiring":
            says = "Quyền sắp hết hạn trong hai tuần tới."
            return Line(key="consent", title=title, colour=Colour.AMBER, says=says, todo=again)
    if ground.consented_app not in (None, ground.tenant.app.app_id):
        until = ground.tenant.former_app_until
        says = f"Quyền đang dùng vẫn là của ứng dụng cũ {ground.consented_app}."
        if until is not None:
            says += f" Sự kiện qua ứng dụng cũ được nhận đến {moment(until)}."
        todo = f"{again}; lưu webhook và bật sự kiện ở ứng dụng mới trước thời điểm ấy rồi mới gỡ ứng dụng cũ."
        return Line(key="consent", title=title, colour=Colour.AMBER, says=says, todo=todo)
    if ground.holds_token:
        return Line(key="consent", title=title, colour=Colour.GREEN, says="Đã được cấp quyền, quyền còn hiệu lực.")
    says = "Đã nhập mã làm mới, chưa dùng lần nào."
    todo = "Chạy lại lệnh này khi kết nối được Zalo để thử quyền."
    return Line(key="consent", title=title, colour=Colour.AMBER, says=says, todo=todo)


async def link(_: AsyncSession, ground: Ground) -> Line:
    """The app is linked to the OA of the manifest (112, -105), by Zalo's own word."""
    account, wanted = ground.account, ground.tenant.oa_id
    title = "Ứng dụng đã liên kết đúng OA"
    if account is not None and account.problem is None and account.oa_id != wanted:
        return Line(
            key="link",
            title=title,
            colour=Colour.RED,
            says=f"Quyền đang có là của OA {account.oa_id} ({account.name}), không phải OA {wanted} trong tenant.toml.",
            todo=f"Sửa oa_id trong tenant.toml, hoặc cấp quyền lại bằng đúng OA: govchat tenant connect {ground.tenant.slug}",
        )
    shown = f"Zalo xác nhận OA {wanted} ({account.name})." if ground.answered and account else ""
    return _by_hand(
        ground,
        "link",
        title,
        (112, -105, -125, -204, -205),
        shown,
        f"Vào {CONSOLE} → Official Account, liên kết OA {wanted}.",
    )


async def zbs(_: AsyncSession, ground: Ground) -> Line:
    """A ZBS account is linked for paid templates (-136, -320), with money in it."""
    account = ground.account
    shown = (
        f"Tài khoản ZBS {account.linked_zbs_account}."
        if account and ground.answered and account.linked_zbs_account
        else ""
    )
    return _by_hand(
        ground,
        "zbs",
        "Tài khoản ZBS đã liên kết",
        (-136, -320, -137, -321, -115, -135, -1351),
        shown,
        "Vào account.zalo.cloud, liên kết tài khoản ZBS với OA và nạp tiền; không có thì không gửi được thông báo theo mẫu.",
    )


async def package(_: AsyncSession, ground: Ground) -> Line:
    """The OA is verified, entitled to the API, and its package has not run out (`getoa`; -224, -221)."""
    account = ground.account
    refused = ground.refused(-224, -221)
    if refused == -224:
        return _package(Colour.RED, "Zalo từ chối với mã -224: gói hiện tại không có API này.", BUY)
    if refused == -221 or (account and ground.answered and account.is_verified is False):
        return _package(
            Colour.RED, "OA chưa được xác thực.", "Vào oa.zalo.me → Thông tin tài khoản, gửi hồ sơ xác thực OA."
        )
    if account is None or not ground.answered or account.package_name is None:
        return _package_by_hand(ground)
    return _package_by_name(ground, account, account.package_name)


def _package(colour: Colour, says: str, todo: str = "") -> Line:
    return Line(key="package", title="Gói dịch vụ và quyền dùng API", colour=colour, says=says, todo=todo)


def _package_by_hand(ground: Ground) -> Line:
    """Zalo does not say which package it is: a person does."""
    confirmed = ground.confirmations.get("package")
    if confirmed is not None:
        says = f"{confirmed.by} xác nhận ngày {day(confirmed.at)}: {confirmed.note or 'có quyền dùng'}."
        return _package(Colour.GREEN, says)
    says = "Zalo không cho biết gói của OA." if ground.answered else _silent(ground)
    todo = f"Xem gói trong oa.zalo.me, rồi ghi nhận: govchat tenant confirm {ground.tenant.slug} package"
    return _package(ground.missing, says, todo)


def _package_by_name(ground: Ground, account: Account, name: str) -> Line:
    """The package that Zalo names, with its last day and what it allows."""
    kind = ", OA cơ quan nhà nước" if account.oa_type == GOVERNMENT else ""
    until = _last_day(account.package_valid_through)
    says = f"Gói {name}{kind}" + (f", đến hết ngày {until:%d/%m/%Y}." if until else ".")
    today = ground.now.astimezone(VN).date()
    if until is not None and until < today:
        return _package(Colour.RED, f"Gói {name} đã hết hạn ngày {until:%d/%m/%Y}.", BUY)
    if until is not None and until - today < PACKAGE_ENDS_SOON:
        return _package(Colour.AMBER, says, BUY)
    if SMALL_PACKAGE in name.casefold() and ground.tenant.manifest.zalo.requests_per_minute > SMALL_RATE:
        says = f"{says} Gói này chỉ cho {SMALL_RATE} lượt gọi mỗi phút."
        return _package(Colour.AMBER, says, f"Đặt requests_per_minute = {SMALL_RATE} trong tenant.toml.")
    return _package(Colour.GREEN, says)


def _silent(ground: Ground) -> str:
    """Why Zalo's word about the account is not at hand."""
    account = ground.account
    if account is None:
        return "Chưa hỏi được Zalo về OA này."
    if account.problem is not None:
        return f"Zalo không trả lời lúc {moment(account.asked_at)} ({account.problem})."
    return "Zalo trả lời về một OA khác."


def _last_day(written: str | None) -> date | None:
    """`31/12/2027` or `2027-12-31`, as Zalo has been seen to write it; None when it is neither."""
    found = re.match(r"(\d{1,2}/\d{1,2}/\d{4}|\d{4}-\d{2}-\d{2})", (written or "").strip())
    if not found:
        return None
    try:
        return datetime.strptime(found[1], "%d/%m/%Y" if "/" in found[1] else "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        return None
