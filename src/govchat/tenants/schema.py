"""The shape of a manifest: the tables of `tenants/SLUG/tenant.toml` as structs, built from the words of `terms`.

One source for three readers: `validate` checks against it, editors get it through `json_schema`, and the rest of the house works
with the structs.
"""

from datetime import date, time
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from govchat.kit.workdays import OfficeHours, Span
from govchat.tenants.terms import (
    Address,
    AgencyCode,
    AgencyName,
    AppId,
    AppKey,
    AppRate,
    CodeKind,
    Confidence,
    DossierUnit,
    Email,
    FormedOn,
    FromDay,
    FullName,
    GsoCode,
    HolderName,
    Hotline,
    LegalBasis,
    LetterCode,
    Name,
    OaId,
    OaRate,
    Opening,
    Organisation,
    PkceMode,
    PortalUrl,
    SaturdayOpening,
    SignatureMode,
    Slug,
    TimeOfDay,
    ToDay,
    Type,
    UnitCode,
    Vintage,
)

MANIFEST_FILE = "tenant.toml"
SCHEMA_FILE = "tenant.schema.json"


class _Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every table of a manifest has in common."""


class _Dated(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that holds from one day to another, both included; a day left out is open."""

    valid_from: FromDay | None = None
    valid_to: ToDay | None = None

    def holds_on(self, day: date) -> bool:
        """Whether `day` (in Vietnam) lies within the validity."""
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)


class FormerName(_Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name and type that the unit had before its present ones."""

    full_name: FullName
    type: Type
    legal_basis: LegalBasis | None = None


class Contact(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who runs the Official Account and how citizens reach them; what is not known for certain stays out."""

    organisation: Organisation | None = None
    hotline: Hotline | None = None
    email: Email | None = None
    address: Address | None = None
    portal_url: PortalUrl | None = None


class Predecessor(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A province or city of before July 2025 that lives on in this one."""

    slug: Slug
    name: Name
    gso_code: GsoCode


class Lineage(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the unit comes from: which former units it continues, itself included."""

    formed_on: FormedOn | None = None
    legal_basis: LegalBasis | None = None
    predecessors: Annotated[
        tuple[Predecessor, ...],
        Meta(description="Các tỉnh, thành phố trước ngày 01/07/2025 nay thuộc đơn vị này, kể cả đơn vị cùng tên."),
    ] = ()


class HCode(_Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A letter code at the head of dossier codes, and the days on which this unit answers for such dossiers."""

    code: LetterCode
    of: HolderName
    legacy_slug: Slug
    kind: CodeKind
    confidence: Confidence = "medium"


class Zalo(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The wiring to Zalo: app, Official Account, limits. Secrets are never here."""

    app_id: AppId
    oa_id: OaId
    app: AppKey | None = None
    requests_per_minute: OaRate = 2000
    app_requests_per_minute: AppRate = 4000
    signature: SignatureMode = "enforce"
    pkce_mode: PkceMode = "per_request"


class QuietHours(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The night, Vietnamese time, in which no broadcast is sent; `from` equal to `to` means there is none."""

    from_: TimeOfDay = msgspec.field(default="22:00", name="from")
    to: TimeOfDay = "06:00"

    @property
    def starts(self) -> time:
        return time.fromisoformat(self.from_)

    @property
    def ends(self) -> time:
        return time.fromisoformat(self.to)


class WorkingHours(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When counters are open on a working day, Vietnamese time. Which days are worked is dated data of the product."""

    morning: Opening = "07:30-11:30"
    afternoon: Opening = "13:00-17:00"
    saturday: SaturdayOpening | None = None

    @property
    def office_hours(self) -> OfficeHours:
        """For `kit.workdays.Calendar`."""
        saturday = () if self.saturday is None else (opening_of(self.saturday),)
        return OfficeHours(morning=opening_of(self.morning), afternoon=opening_of(self.afternoon), saturday=saturday)


class Agency(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An authority (cơ quan) that takes dossiers in or handles them; what is not known for certain stays out."""

    code: AgencyCode
    name: AgencyName
    address: Address | None = None
    phone: Hotline | None = None
    dossier_units: Annotated[
        tuple[DossierUnit, ...],
        Meta(description="Phần mã đơn vị trong mã hồ sơ của cơ quan này, để biết hồ sơ thuộc cơ quan nào."),
    ] = ()
    hours: Annotated[
        WorkingHours | None, Meta(description="Giờ làm việc riêng; không ghi thì theo [working_hours].")
    ] = None


class Manifest(_Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One province or city as its manifest describes it."""

    slug: Slug
    name: Name
    full_name: FullName
    type: Type
    official_code: UnitCode
    official_code_vintage: Vintage
    zalo: Annotated[Zalo, Meta(description="Kết nối với Zalo. Không ghi khóa bí mật ở đây.")]
    h_codes: Annotated[
        tuple[HCode, ...], Meta(description="Mã đứng đầu mã hồ sơ: của đơn vị và của các đơn vị đã sáp nhập vào.")
    ]
    contact: Annotated[Contact, Meta(description="Đầu mối liên hệ; điều chưa chắc chắn thì không ghi.")] = (
        msgspec.field(default_factory=Contact)
    )
    lineage: Annotated[Lineage, Meta(description="Nguồn gốc của đơn vị qua các lần sắp xếp.")] = msgspec.field(
        default_factory=Lineage
    )
    former_names: Annotated[tuple[FormerName, ...], Meta(description="Tên và loại đơn vị trước đây.")] = ()
    quiet_hours: Annotated[
        QuietHours, Meta(description="Giờ nghỉ: giữ thông báo và tin chung tới sáng; hai giờ bằng nhau là không nghỉ.")
    ] = msgspec.field(default_factory=QuietHours)
    working_hours: Annotated[
        WorkingHours, Meta(description="Giờ làm việc chung; ngày nghỉ lễ do sản phẩm cập nhật theo thông báo hằng năm.")
    ] = msgspec.field(default_factory=WorkingHours)
    agencies: Annotated[
        tuple[Agency, ...], Meta(description="Các cơ quan tiếp nhận, giải quyết hồ sơ và giờ làm việc của từng nơi.")
    ] = ()

    @property
    def app_key(self) -> str:
        """The name of the Zalo app: the shared one's, or the slug when the province has an app of its own."""
        return self.zalo.app or self.slug

    @property
    def webhook_path(self) -> str:
        """Where Zalo posts this app's events."""
        return f"/webhooks/zalo/{self.app_key}"

    def full_name_on(self, day: date) -> str:
        """The full name that held on `day`: Đồng Nai was a tỉnh until 29/04/2026."""
        return next((former.full_name for former in self.former_names if former.holds_on(day)), self.full_name)


def opening_of(written: str) -> Span:
    """`"07:30-11:30"` as two times."""
    start, _, end = written.partition("-")
    return time.fromisoformat(start), time.fromisoformat(end)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a manifest, for editors; committed as `tenants/tenant.schema.json`."""
    schema = msgspec.json.schema(Manifest)
    parts = schema["$defs"]
    top = parts.pop("Manifest")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": dict(sorted(parts.items()))}
