"""The provinces of recorded dialogues: one that tells all that a manifest can tell, and one that tells nothing."""

from collections.abc import Mapping
from types import MappingProxyType

from govchat.conversation.context import TenantFacts
from govchat.tenants.schema import Agency, Contact, HCode, Manifest, WorkingHours, Zalo

_OTHERS = {"H26": "Thành phố Hà Nội", "H14": "Tỉnh Cao Bằng"}
_HOTLINE = "0251 1022"
_PORTAL = "https://dichvucong.dongnai.gov.vn"
_ADDRESS = "02 Nguyễn Văn Trị"

DONG_NAI = Manifest(
    slug="dong-nai",
    name="Đồng Nai",
    full_name="Thành phố Đồng Nai",
    type="city",
    official_code="75",
    official_code_vintage="19/2025/QĐ-TTg",
    zalo=Zalo(app_id="4699998429637694585", oa_id="4582104714674766537"),
    h_codes=(HCode(code="H19", of="Đồng Nai", legacy_slug="dong-nai", kind="own"),),
    contact=Contact(hotline=_HOTLINE, portal_url=_PORTAL, address=_ADDRESS),
    agencies=(
        Agency(
            code="ttpvhcc",
            name="Trung tâm Phục vụ hành chính công thành phố Đồng Nai",
            address="Số 236 Phan Trung, phường Tam Hiệp",
            phone=_HOTLINE,
            hours=WorkingHours(saturday="07:30-11:30"),
        ),
        Agency(
            code="mot-cua-tran-bien",
            name="Bộ phận Một cửa phường Trấn Biên",
            address="Số 225 Võ Thị Sáu, phường Trấn Biên",
        ),
        Agency(code="dat-dai", name="Văn phòng Đăng ký đất đai Đồng Nai", address="Số 520 Đồng Khởi"),
    ),
)

TENANTS: Mapping[str, TenantFacts] = MappingProxyType(
    {
        "dong-nai": TenantFacts(
            slug="dong-nai",
            name="Đồng Nai",
            full_name="Thành phố Đồng Nai",
            hotline=_HOTLINE,
            portal_url=_PORTAL,
            address=_ADDRESS,
            h_codes=frozenset({"H10", "H19"}),
            other_h_codes=_OTHERS,
            main_h_code="H19",
            manifest=DONG_NAI,
        ),
        "bare": TenantFacts(
            slug="bare", name="Trần", full_name="Tỉnh Trần", h_codes=frozenset({"H19"}), other_h_codes=_OTHERS
        ),
    }
)
