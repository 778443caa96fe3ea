"""What has gone wrong with an Official Account's tokens, told to people: which incident, who must do what.

`credentials` reports a refusal as it stands in the credential's row; the words for the province's staff are chosen here.
"""

import structlog
from sqlalchemy.exc import SQLAlchemyError

from govchat.errors import DomainError
from govchat.incidents.models import Kind
from govchat.incidents.record import heal, open_
from govchat.tenants.registry import Registry, Tenant

log = structlog.get_logger()

CONSENT_BY_ADMIN = (
    "Quản trị viên Official Account mở đường dẫn do cán bộ kỹ thuật tạo bằng lệnh `govchat tenant connect {slug}` và bấm đồng ý cấp quyền. "
    "Tin đang chờ sẽ tự gửi đi sau đó."
)

# What stands at the head of a refusal → what is wrong, and the next step.
SAYINGS: tuple[tuple[str, str, str], ...] = (
    (
        "no_app_secret",
        "Chưa nạp khóa bí mật của ứng dụng Zalo nên không làm mới được mã truy cập.",
        "Cán bộ kỹ thuật lấy khóa tại developers.zalo.me → Ứng dụng → Cài đặt, rồi nạp bằng `govchat secret set {slug} app-secret`.",
    ),
    (
        "console_misconfigured",
        "Zalo không chấp nhận mã ứng dụng hoặc khóa bí mật của ứng dụng.",
        "Cán bộ kỹ thuật đối chiếu app_id và khóa tại developers.zalo.me → Ứng dụng → Cài đặt, nạp lại khóa bằng "
        "`govchat secret set {slug} app-secret`; hệ thống tự thử lại sau một phút.",
    ),
    (
        "app_invalid",
        "Ứng dụng Zalo không đúng mã hoặc chưa được kích hoạt.",
        "Cán bộ kỹ thuật kiểm tra app_id và bật ứng dụng tại developers.zalo.me → Ứng dụng; hệ thống tự thử lại sau một phút.",
    ),
    (
        "app_not_approved",
        "Ứng dụng Zalo chưa được Zalo duyệt.",
        "Cán bộ kỹ thuật hoàn tất hồ sơ xét duyệt ứng dụng tại developers.zalo.me; hệ thống tự thử lại sau một phút.",
    ),
    (
        "not_renewed",
        "Mã truy cập sắp hết hạn mà chưa làm mới được vì máy chủ cấp quyền của Zalo không trả lời.",
        "Cán bộ kỹ thuật kiểm tra đường mạng từ máy chủ tới oauth.zaloapp.com; hệ thống vẫn tự thử lại.",
    ),
    (
        "token_unreadable",
        "Mã làm mới lưu trong cơ sở dữ liệu không mở được: dữ liệu bị chép nhầm từ nơi khác hoặc bị hỏng.",
        "Cán bộ kỹ thuật kiểm tra lần khôi phục hoặc sao chép dữ liệu gần nhất. " + CONSENT_BY_ADMIN,
    ),
    (
        "reply_lost",
        "Zalo đã nhận yêu cầu làm mới mã truy cập nhưng câu trả lời bị mất trên đường truyền; mã cũ không dùng được nữa.",
        CONSENT_BY_ADMIN,
    ),
    (
        "refresh_token_spent",
        "Mã làm mới đã được dùng ở nơi khác hoặc đã hết hạn: có thể một máy chủ thử nghiệm hay bản khôi phục đang giữ cùng mã này.",
        "Cán bộ kỹ thuật tìm và tắt hệ thống khác đang dùng mã của Official Account này. " + CONSENT_BY_ADMIN,
    ),
    (
        "refresh_token_invalid",
        "Mã làm mới không còn hiệu lực: quyền đã bị thu hồi, hoặc địa chỉ callback hay nhóm quyền của ứng dụng đã bị đổi.",
        CONSENT_BY_ADMIN,
    ),
)
OTHERWISE = ("Zalo từ chối làm mới mã truy cập của Official Account, tin nhắn không gửi được.", CONSENT_BY_ADMIN)


def told(tenant: Tenant, reason: str) -> tuple[str, str]:
    """What is wrong and who must do what, in Vietnamese."""
    says, todo = next(((says, todo) for head, says, todo in SAYINGS if reason.startswith(head)), OTHERWISE)
    return says, todo.format(slug=tenant.slug)


async def trouble(registry: Registry, tenant: Tenant, reason: str) -> None:
    """Open the incident, or bring it up to date. A failure to do so is logged: the keeper opens it again."""
    says, todo = told(tenant, reason)
    try:
        async with registry.db.tenant(tenant.id) as session:
            await open_(session, tenant.id, Kind.CREDENTIAL, tenant.oa_id, says=says, todo=todo)
    except (SQLAlchemyError, OSError, DomainError) as error:
        log.warning("credential.incident_not_kept", tenant=tenant.slug, error=type(error).__name__)


async def healed(registry: Registry, tenant: Tenant) -> None:
    """Close the incident, if one is open."""
    try:
        async with registry.db.tenant(tenant.id) as session:
            await heal(session, tenant.id, Kind.CREDENTIAL, tenant.oa_id)
    except (SQLAlchemyError, OSError, DomainError) as error:
        log.warning("credential.incident_not_kept", tenant=tenant.slug, error=type(error).__name__)
