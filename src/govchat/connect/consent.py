"""A consent from its link to a working token: the administrator of an Official Account grants our Zalo app access to it.

`begin` makes the link; `finish` takes what Zalo's redirect brought back, checks it against what was asked for, trades the code for a
token pair and asks Zalo whose it is before anything is kept.
"""

import asyncio
import base64
import binascii
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.audit.record import note
from govchat.connect.models import ConsentRow
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.ids import new_id
from govchat.tenants.credentials import Credentials
from govchat.tenants.registry import App, Registry, Tenant
from govchat.zalo import oauth
from govchat.zalo.client import ZaloClient
from govchat.zalo.errors import ConnectFailed, ConsoleMisconfigured, OAuthError, ZaloError

log = structlog.get_logger()

CALLBACK = "/oauth/zalo/callback"
# An administrator must find the mail, log in and read; Zalo's own code then lives ten minutes.
LINK_LIFE = timedelta(hours=24)
LONGEST_ADMIN = 120
# Whose token it is must be known before it is kept: Zalo is asked this often.
ASK_PAUSES_S = (0.0, 0.3, 1.0)
_PURPOSE = "oauth-state"


class NotConnectable(DomainError):
    """Something is missing before an administrator can be asked."""

    status = 409
    code = "not_connectable"
    title = "The tenant can't be connected yet"


class ConsentRefused(DomainError):
    """What came back from Zalo does not fit what was asked for; `detail` is Vietnamese, for the administrator, `todo` what to do."""

    status = 400
    code = "consent_refused"
    title = "The consent can't be accepted"

    def __init__(self, detail: str, todo: str = "") -> None:
        super().__init__(detail)
        self.todo = todo


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """What an administrator is sent. The address is good once; it is no secret, but only an administrator can use it at Zalo."""

    id: UUID
    url: str
    expires_at: datetime
    redirect_uri: str


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """The query of Zalo's redirect, as it came."""

    state: str = ""
    code: str = ""
    oa_id: str = ""

    def __repr__(self) -> str:
        return f"Came(oa_id={self.oa_id!r})"


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """A consent that led to a working token."""

    slug: str
    full_name: str
    oa_id: str
    oa_name: str
    admin: str


async def begin(registry: Registry, tenant: Tenant, *, admin: str, actor: str) -> Link:
    """A fresh link for `admin` (a name or address, shown and recorded). Raises `NotConnectable`."""
    app = tenant.app
    admin = " ".join(admin.split())[:LONGEST_ADMIN]
    if tenant.state == "closed":
        raise NotConnectable(f'"{tenant.slug}" đã đóng, không kết nối được nữa')
    if app.app_secret is None:
        raise NotConnectable(
            f'"{tenant.slug}" chưa có khóa bí mật của ứng dụng: nạp bằng `govchat secret set {tenant.slug} app-secret`'
        )
    if not admin:
        raise NotConnectable("chưa có tên quản trị viên: ghi bằng --admin")
    verifier = _verifier(tenant, app)
    vault = await registry.tenant_vault(tenant.id)
    consent_id, expires_at = new_id(), clock.now() + LINK_LIFE
    sealed = verifier and vault.seal(verifier.encode(), _context(consent_id))
    async with registry.db.tenant(tenant.id) as session:
        session.add(
            ConsentRow(
                tenant_id=tenant.id,
                id=consent_id,
                app_id=app.app_id,
                oa_id=tenant.oa_id,
                admin=admin,
                verifier_sealed=sealed,
                expires_at=expires_at,
            )
        )
        await note(
            session,
            tenant.id,
            actor=actor,
            act="consent.asked",
            subject=tenant.oa_id,
            after={"admin": admin, "app": app.app_id},
        )
    redirect_uri = f"{registry.settings.public_url}{CALLBACK}"
    url = oauth.consent_url(
        registry.settings.zalo_oauth_url,
        app_id=app.app_id,
        redirect_uri=redirect_uri,
        state=_state(registry, tenant.id, consent_id, admin, expires_at),
        code_challenge=oauth.challenge_of(verifier) if verifier else None,
    )
    return Link(id=consent_id, url=url, expires_at=expires_at, redirect_uri=redirect_uri)


def _verifier(tenant: Tenant, app: App) -> str | None:
    match app.pkce_mode:
        case "per_request":
            return oauth.new_pkce()[0]
        case "fixed":
            if app.pkce_verifier is None:
                raise NotConnectable(
                    f'"{tenant.slug}": pkce_mode là fixed mà chưa có mã PKCE; nạp mã (code verifier) ứng với Code Challenge đã lưu trên '
                    f"trang của Zalo bằng `govchat secret set {tenant.slug} pkce-verifier`"
                )
            return app.pkce_verifier
        case "none":
            return None


def _context(consent_id: UUID) -> str:
    return f"oa_consents.verifier/{consent_id}"


# The state: tenant, consent and expiry, signed together with the administrator it was made for.


def _signed_part(tenant_id: UUID, consent_id: UUID, expires: int) -> bytes:
    return tenant_id.bytes + consent_id.bytes + expires.to_bytes(8)


def _state(registry: Registry, tenant_id: UUID, consent_id: UUID, admin: str, expires_at: datetime) -> str:
    told = _signed_part(tenant_id, consent_id, int(expires_at.timestamp()))
    # Twice: by the first a forged state is refused without a look at the database, by the second another administrator's.
    mark = registry.vault.mark(told, _PURPOSE)[:16] + registry.vault.mark(told + admin.encode(), _PURPOSE)[:16]
    return base64.urlsafe_b64encode(told + mark).rstrip(b"=").decode()


class _State(msgspec.Struct, frozen=True):
    tenant_id: UUID
    consent_id: UUID
    expires_at: datetime
    told: bytes
    mark: bytes


def _read_state(registry: Registry, given: str) -> _State:
    try:
        raw = base64.b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    told, mark = raw[:40], raw[40:]
    if len(raw) != 72 or not registry.vault.is_marked(told, mark[:16], _PURPOSE):
        raise ConsentRefused(
            "Đường dẫn cấp quyền không phải do hệ thống này tạo ra hoặc đã bị sửa.",
            "Đề nghị cán bộ kỹ thuật gửi lại đường dẫn mới và mở nguyên văn đường dẫn đó.",
        )
    expires_at = datetime.fromtimestamp(int.from_bytes(told[32:]), UTC)
    return _State(UUID(bytes=told[:16]), UUID(bytes=told[16:32]), expires_at, told, mark)


async def finish(registry: Registry, credentials: Credentials, zalo: ZaloClient, came: Came) -> Connected:
    """Take up a consent. Raises `ConsentRefused`; then nothing of it is kept but the record."""
    state = _read_state(registry, came.state)
    await registry.load()  # the link may be younger than what this process knows of the province and its secrets
    tenant = await registry.by_id(state.tenant_id)
    again = f"Đề nghị cán bộ kỹ thuật chạy lại `govchat tenant connect {tenant.slug}` và gửi đường dẫn mới."
    admin, verifier, app = await _use(registry, tenant, state, again)
    try:
        name, pair = await _trade(zalo, tenant, app, verifier, came, again)
    except ConsentRefused as refused:
        await _settle(registry, tenant, state.consent_id, "refused", f"{refused.detail} {refused.todo}")
        log.warning("consent.refused", tenant=tenant.slug)
        raise
    await credentials.adopt(tenant, app, pair)
    await _settle(registry, tenant, state.consent_id, "connected", f"Đã kết nối Official Account {tenant.oa_id}.")
    log.info("consent.connected", tenant=tenant.slug)
    return Connected(slug=tenant.slug, full_name=tenant.full_name, oa_id=tenant.oa_id, oa_name=name, admin=admin)


async def _trade(
    zalo: ZaloClient, tenant: Tenant, app: App, verifier: str | None, came: Came, again: str
) -> tuple[str, oauth.TokenPair]:
    """The code for a pair, and the name of the Official Account it is for; raises `ConsentRefused`."""
    if not came.code:
        raise ConsentRefused("Zalo báo việc cấp quyền đã bị từ chối hoặc bị hủy giữa chừng.", again)
    if came.oa_id != tenant.oa_id:
        raise _wrong_oa(tenant, f"đã chọn Official Account {_shown(came.oa_id)}")
    assert app.app_secret is not None
    try:
        pair = await zalo.exchange_code(
            app_id=app.app_id, app_secret=app.app_secret, code=came.code, code_verifier=verifier
        )
    except OAuthError as error:
        log.warning("consent.exchange_refused", tenant=tenant.slug, reason=str(error))
        raise _exchange_refused(tenant, error, again) from error
    except ConnectFailed as error:
        raise ConsentRefused(
            "Máy chủ của hệ thống không kết nối được tới máy chủ cấp quyền của Zalo.", again
        ) from error
    return await _whose(zalo, tenant, pair.access_token, again), pair


async def _use(registry: Registry, tenant: Tenant, state: _State, again: str) -> tuple[str, str | None, App]:
    """Spend the link, committed before Zalo is asked anything: a second click finds it spent."""
    if tenant.state == "closed":
        raise ConsentRefused(f"{tenant.full_name} đã ngừng sử dụng hệ thống.", "Không cần làm gì thêm.")
    vault = await registry.tenant_vault(tenant.id)
    async with registry.db.tenant(tenant.id) as session:
        row = await session.get(ConsentRow, (tenant.id, state.consent_id), with_for_update=True)
        if row is None or not registry.vault.is_marked(state.told + row.admin.encode(), state.mark[16:], _PURPOSE):
            raise ConsentRefused("Đường dẫn cấp quyền không được lập cho quản trị viên này.", again)
        if row.used_at is not None:
            raise ConsentRefused("Đường dẫn cấp quyền đã được dùng, mỗi đường dẫn chỉ dùng một lần.", again)
        if min(row.expires_at, state.expires_at) < clock.now():
            raise ConsentRefused("Đường dẫn cấp quyền đã hết hạn.", again)
        if row.oa_id != tenant.oa_id or row.app_id != tenant.app.app_id or tenant.app.app_secret is None:
            raise ConsentRefused("Cấu hình của đơn vị đã thay đổi sau khi đường dẫn được lập.", again)
        row.used_at = clock.now()
        sealed = row.verifier_sealed
        verifier = sealed and vault.open(sealed, _context(row.id)).decode()
        return row.admin, verifier or None, tenant.app


async def _whose(zalo: ZaloClient, tenant: Tenant, access_token: str, again: str) -> str:
    """The name of the Official Account that Zalo says the token is for; raises `ConsentRefused` when it is another's."""
    for pause in ASK_PAUSES_S:
        await asyncio.sleep(pause)
        try:
            profile = await zalo.get_oa(access_token)
            break
        except ZaloError as error:
            log.warning("consent.getoa_failed", tenant=tenant.slug, reason=str(error))
    else:
        raise ConsentRefused("Zalo đã cấp quyền nhưng không cho biết quyền đó của Official Account nào.", again)
    if profile.oa_id != tenant.oa_id:
        raise _wrong_oa(tenant, f"Zalo cấp quyền của Official Account {_shown(profile.oa_id)}")
    return profile.name


def _wrong_oa(tenant: Tenant, what: str) -> ConsentRefused:
    return ConsentRefused(
        f"Quý vị {what}, trong khi {tenant.full_name} đăng ký Official Account {tenant.oa_id}."
        if what.startswith("đã")
        else f"{what}, trong khi {tenant.full_name} đăng ký Official Account {tenant.oa_id}.",
        f"Đề nghị cán bộ kỹ thuật gửi đường dẫn mới (`govchat tenant connect {tenant.slug}`), rồi mở bằng tài khoản quản trị của đúng "
        "Official Account này. Nếu mã đã đăng ký là sai, cán bộ kỹ thuật sửa oa_id trong "
        f"tenants/{tenant.slug}/tenant.toml và chạy `govchat tenant apply {tenant.slug}` trước.",
    )


def _shown(oa_id: str) -> str:
    return oa_id[:40] if oa_id.isascii() and oa_id.isalnum() else "không rõ mã"


def _exchange_refused(tenant: Tenant, error: OAuthError, again: str) -> ConsentRefused:
    if isinstance(error, ConsoleMisconfigured):
        return ConsentRefused(
            "Zalo không chấp nhận ứng dụng của hệ thống: sai khóa bí mật, sai địa chỉ callback hoặc ứng dụng chưa được kích hoạt.",
            "Cán bộ kỹ thuật kiểm tra app_id, khóa bí mật và “Official Account Callback Url” tại developers.zalo.me, rồi chạy lại "
            f"`govchat tenant connect {tenant.slug}`.",
        )
    if error.uncertain:
        return ConsentRefused("Zalo không trả lời khi đổi mã cấp quyền; mã này có thể đã bị dùng.", again)
    return ConsentRefused("Zalo không chấp nhận mã cấp quyền: mã đã dùng, đã quá 10 phút hoặc sai mã PKCE.", again)


async def _settle(registry: Registry, tenant: Tenant, consent_id: UUID, outcome: str, told: str) -> None:
    """Keep how it ended, once, for whoever waits and for the record; only of a link that this return has spent."""
    async with registry.db.tenant(tenant.id) as session:
        row = await session.get(ConsentRow, (tenant.id, consent_id), with_for_update=True)
        if row is None or row.used_at is None or row.outcome is not None:
            return
        row.outcome, row.told, row.verifier_sealed = outcome, told, None
        await note(
            session,
            tenant.id,
            actor="system:consent",
            act=f"consent.{outcome}",
            subject=row.oa_id,
            after={"admin": row.admin, "app": row.app_id},
        )


async def outcome_of(session: AsyncSession, tenant_id: UUID, consent_id: UUID) -> tuple[str, str] | None:
    """How a consent ended and what the administrator was told; None while it is open."""
    row = await session.get(ConsentRow, (tenant_id, consent_id))
    return (row.outcome, row.told or "") if row is not None and row.outcome is not None else None
