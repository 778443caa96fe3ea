"""The words of a manifest: each kind of value with its meaning, its limits and what to do when it is wrong.

`schema` builds the tables of a manifest from these; `validate` turns their texts into findings and editors show them. The texts are
Vietnamese: provincial staff read them.
"""

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta

UnitType = Literal["city", "province"]

_SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_ID_PATTERN = r"^[1-9][0-9]{5,19}$"


def says(meaning: str, expected: str, way_out: str, **limits: Any) -> Meta:
    """`meaning` is what editors show; `expected` and `way_out` complete "cần …; …" in a finding."""
    return Meta(description=meaning, extra={"expected": expected, "way_out": way_out}, **limits)


Slug = Annotated[
    str,
    says(
        "Mã ngắn của đơn vị, trùng với tên thư mục; không đổi sau khi đã vận hành.",
        "chữ thường không dấu, chữ số và dấu gạch nối, tối đa 40 ký tự",
        'viết như tên thư mục, ví dụ "dong-nai"',
        pattern=_SLUG_PATTERN,
        max_length=40,
    ),
]
Name = Annotated[
    str,
    says(
        "Tên riêng của đơn vị, đủ dấu, không kèm chữ Tỉnh hay Thành phố.",
        "từ 2 đến 60 ký tự",
        'viết tên riêng đủ dấu, ví dụ "Đồng Nai"',
        min_length=2,
        max_length=60,
    ),
]
FullName = Annotated[
    str,
    says(
        "Tên đầy đủ, dùng khi xưng với người dân.",
        "từ 5 đến 80 ký tự",
        'viết tên đầy đủ, ví dụ "Thành phố Đồng Nai" hoặc "Tỉnh Cao Bằng"',
        min_length=5,
        max_length=80,
    ),
]
Type = Annotated[
    UnitType,
    says(
        'Loại đơn vị hiện nay: "city" là thành phố trực thuộc trung ương, "province" là tỉnh.',
        '"city" (thành phố trực thuộc trung ương) hoặc "province" (tỉnh)',
        "chọn loại đơn vị đang có hiệu lực",
    ),
]
UnitCode = Annotated[
    str,
    says(
        "Mã đơn vị hành chính cấp tỉnh, hai chữ số.",
        "đúng hai chữ số, đặt trong dấu ngoặc kép",
        "xem danh mục kèm Quyết định 19/2025/QĐ-TTg",
        pattern=r"^[0-9]{2}$",
    ),
]
LegalBasis = Annotated[
    str,
    says(
        "Văn bản làm căn cứ.",
        "số hiệu văn bản, tối đa 120 ký tự",
        'ghi như "Nghị quyết 202/2025/QH15", hoặc bỏ khóa này nếu chưa rõ',
        min_length=3,
        max_length=120,
    ),
]
FromDay = Annotated[
    date,
    says(
        "Ngày đầu tiên có hiệu lực; không ghi nghĩa là từ trước đến nay.",
        "một ngày dạng NĂM-THÁNG-NGÀY",
        "ghi như 2025-07-01, không cần dấu ngoặc kép",
    ),
]
ToDay = Annotated[
    date,
    says(
        "Ngày cuối cùng còn hiệu lực (tính cả ngày đó); không ghi nghĩa là chưa kết thúc.",
        "một ngày dạng NĂM-THÁNG-NGÀY",
        "ghi như 2026-04-29, không cần dấu ngoặc kép",
    ),
]
FormedOn = Annotated[
    date,
    says(
        "Ngày đơn vị mang hình hài hiện nay; không ghi nếu đơn vị không qua sắp xếp.",
        "một ngày dạng NĂM-THÁNG-NGÀY",
        "ghi như 2025-07-01, không cần dấu ngoặc kép",
    ),
]
TimeOfDay = Annotated[
    str,
    says(
        "Giờ trong ngày theo giờ Việt Nam.",
        'giờ dạng "HH:MM" từ "00:00" đến "23:59", đặt trong dấu ngoặc kép',
        'ghi như "22:00"',
        pattern=_TIME_PATTERN,
    ),
]
Organisation = Annotated[
    str,
    says(
        "Cơ quan vận hành Official Account.",
        "tên cơ quan, từ 3 đến 150 ký tự",
        "ghi tên cơ quan đứng tên Official Account",
        min_length=3,
        max_length=150,
    ),
]
Hotline = Annotated[
    str,
    says(
        "Số điện thoại để người dân gọi.",
        "chữ số, có thể có khoảng trắng, dấu chấm hoặc dấu + ở đầu",
        'ghi như "1022", hoặc bỏ khóa này nếu chưa chắc chắn',
        pattern=r"^\+?[0-9][0-9 .]{1,18}[0-9]$",
    ),
]
Email = Annotated[
    str,
    says(
        "Thư điện tử tiếp nhận ý kiến.",
        "địa chỉ thư điện tử",
        "kiểm tra lại địa chỉ, hoặc bỏ khóa này nếu chưa chắc chắn",
        pattern=r"^[^@\s]+@[^@\s]+\.[^@\s.]+$",
        max_length=254,
    ),
]
Address = Annotated[
    str,
    says(
        "Địa chỉ nơi tiếp nhận hồ sơ.",
        "địa chỉ, từ 5 đến 250 ký tự",
        "ghi địa chỉ trụ sở, hoặc bỏ khóa này nếu chưa chắc chắn",
        min_length=5,
        max_length=250,
    ),
]
PortalUrl = Annotated[
    str,
    says(
        "Cổng dịch vụ công để người dân nộp hồ sơ.",
        'địa chỉ bắt đầu bằng "https://"',
        'ghi "https://dichvucong.gov.vn" nếu dùng Cổng Dịch vụ công quốc gia',
        pattern=r"^https://[^\s/]+\.[^\s]+$",
        max_length=500,
    ),
]
AppKey = Annotated[
    str,
    says(
        "Tên ứng dụng Zalo dùng chung với đơn vị khác; bỏ khóa này nếu đơn vị có ứng dụng riêng.",
        "chữ thường không dấu, chữ số và dấu gạch nối, tối đa 40 ký tự",
        'ghi tên ứng dụng chung, ví dụ "tay-bac", hoặc bỏ khóa này',
        pattern=_SLUG_PATTERN,
        max_length=40,
    ),
]
AppId = Annotated[
    str,
    says(
        "Mã ứng dụng Zalo (App ID).",
        "từ 6 đến 20 chữ số, đặt trong dấu ngoặc kép",
        "chép từ developers.zalo.me → ứng dụng → Cài đặt → ID ứng dụng",
        pattern=_ID_PATTERN,
    ),
]
OaId = Annotated[
    str,
    says(
        "Mã Official Account (OA ID).",
        "từ 6 đến 20 chữ số, đặt trong dấu ngoặc kép",
        "chép từ OA Manager → Thông tin tài khoản",
        pattern=_ID_PATTERN,
    ),
]
OaRate = Annotated[
    Literal[100, 2000],
    says(
        "Số yêu cầu mỗi phút mà gói của Official Account cho phép.",
        "100 (gói Tăng trưởng) hoặc 2000 (gói Toàn diện), không có dấu ngoặc kép",
        "xem gói dịch vụ mà Official Account đang dùng",
    ),
]
AppRate = Annotated[
    int,
    says(
        "Số yêu cầu mỗi phút của ứng dụng Zalo, chung cho mọi Official Account dùng ứng dụng đó.",
        "số nguyên từ 1 đến 4000, không có dấu ngoặc kép",
        "ghi 4000, giới hạn của Zalo, hoặc bỏ khóa này",
        ge=1,
        le=4000,
    ),
]
SignatureMode = Annotated[
    Literal["observe", "enforce"],
    says(
        'Chữ ký webhook: "observe" ghi nhận và đếm, "enforce" từ chối khi chữ ký sai.',
        '"observe" (chỉ ghi nhận) hoặc "enforce" (từ chối khi sai)',
        'bắt đầu bằng "observe", chuyển sang "enforce" khi mọi chữ ký đều đúng',
    ),
]
PkceMode = Annotated[
    Literal["per_request", "fixed", "none"],
    says(
        "Cách gửi mã PKCE khi xin quyền: mới cho mỗi lần, cố định như đã lưu trên trang Zalo, hoặc không gửi.",
        '"per_request", "fixed" hoặc "none"',
        'giữ "per_request", trừ khi trang ứng dụng đã lưu sẵn một Code Challenge',
    ),
]
GsoCode = Annotated[
    str,
    says(
        "Mã tỉnh cũ trước ngày 01/07/2025; mã này có thể đã được dùng lại cho đơn vị khác.",
        "đúng hai chữ số, đặt trong dấu ngoặc kép",
        "xem danh mục đơn vị hành chính cũ của Tổng cục Thống kê",
        pattern=r"^[0-9]{2}$",
    ),
]
LetterCode = Annotated[
    str,
    says(
        "Mã định danh cấp tỉnh đứng đầu mã hồ sơ.",
        "chữ H in hoa và hai chữ số",
        'xem phần đầu của một mã hồ sơ, ví dụ "H19" trong H19.12-261103-0007',
        pattern=r"^H[0-9]{2}$",
    ),
]
HolderName = Annotated[
    str,
    says(
        "Tên tỉnh, thành phố được cấp mã này.",
        "từ 2 đến 60 ký tự",
        'viết tên riêng đủ dấu, ví dụ "Bình Phước"',
        min_length=2,
        max_length=60,
    ),
]
CodeKind = Annotated[
    Literal["own", "absorbed"],
    says(
        '"own": mã đơn vị đang dùng cho hồ sơ mới; "absorbed": mã của đơn vị đã sáp nhập, chỉ còn trên hồ sơ cũ.',
        '"own" (mã đang dùng) hoặc "absorbed" (mã của đơn vị đã sáp nhập)',
        "mỗi đơn vị có đúng một mã own tại một thời điểm",
    ),
]
Confidence = Annotated[
    Literal["high", "medium-high", "medium", "low"],
    says(
        'Độ chắc chắn của mã: "high" là đã thấy dùng thật, thấp hơn là suy ra từ danh mục.',
        '"high", "medium-high", "medium" hoặc "low"',
        'ghi "high" khi đã thấy mã này trên hồ sơ thật',
    ),
]
Vintage = Annotated[
    str,
    says(
        "Văn bản ban hành mã đơn vị; mã cũ đã được dùng lại nên luôn ghi kèm.",
        "số hiệu quyết định, từ 3 đến 60 ký tự",
        'ghi "19/2025/QĐ-TTg" cho danh mục có hiệu lực từ 01/07/2025',
        min_length=3,
        max_length=60,
    ),
]
AgencyCode = Annotated[
    str,
    says(
        "Mã ngắn của cơ quan trong tệp này.",
        "chữ thường không dấu, chữ số và dấu gạch nối, tối đa 40 ký tự",
        'ghi như "so-xay-dung" hoặc "ttpvhcc"',
        pattern=_SLUG_PATTERN,
        max_length=40,
    ),
]
AgencyName = Annotated[
    str,
    says(
        "Tên đầy đủ của cơ quan, như ghi trên giấy tiếp nhận.",
        "tên cơ quan, từ 3 đến 150 ký tự",
        'ghi như "Sở Xây dựng"',
        min_length=3,
        max_length=150,
    ),
]
DossierUnit = Annotated[
    str,
    says(
        "Phần mã đơn vị ở đầu mã hồ sơ của cơ quan này, trước ngày tiếp nhận.",
        'chữ H và hai chữ số, rồi các nhóm số cách nhau bằng dấu chấm, ví dụ "H19.12"',
        "chép phần trước dấu gạch ngang đầu tiên của một mã hồ sơ thật, hoặc bỏ khóa này",
        pattern=r"^H[0-9]{2}(\.[0-9]{1,4}){1,4}$",
    ),
]
Opening = Annotated[
    str,
    says(
        "Giờ mở cửa của một buổi, theo giờ Việt Nam.",
        'giờ mở và giờ đóng dạng "HH:MM-HH:MM", đặt trong dấu ngoặc kép',
        'ghi như "07:30-11:30"',
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
    ),
]
SaturdayOpening = Annotated[
    str,
    says(
        "Giờ mở cửa ngày thứ Bảy nếu cơ quan có tiếp nhận; bỏ khóa này nếu nghỉ.",
        'giờ mở và giờ đóng dạng "HH:MM-HH:MM", đặt trong dấu ngoặc kép',
        'ghi như "07:30-11:30", hoặc bỏ khóa này nếu nghỉ thứ Bảy',
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
    ),
]
