"""The national payloads by the names of their fields; whatever else a vendor sends along is skipped, never kept and never logged.

Numbers come as texts, empty texts stand for nothing, times read yyyyMMddHHmmss in Vietnamese time.
"""

from typing import Literal

from msgspec import UNSET, Raw, Struct, UnsetType, field

# What vendors write for one value; meant by the field, not by its JSON type.
Scalar = str | int | float | bool | None


class Supplement(Struct):
    """One entry of DanhSachHoSoBoSung: what has to be completed."""

    NoiDungBoSung: Scalar = None
    NgayHenTraMoi: Scalar = None


class Result(Struct):
    """One entry of DanhSachGiayToKetQua: a paper that was issued."""

    TenGiayTo: Scalar = None
    DuongDanTepTinKetQua: Scalar = None


class Synchronised(Struct):
    """One dossier of DongBoHoSoMC."""

    MaHoSo: Scalar = None
    MaTTHC: Scalar = None
    ChuHoSo: Scalar = None
    SoDienThoai: Scalar = None
    MaDoiTuong: Scalar = None
    NgayTiepNhan: Scalar = None
    NgayHenTra: Scalar = None
    TrangThaiHoSo: Scalar = None
    NgayTra: Scalar = None
    NgayKetThucXuLy: Scalar = None
    DonViXuLy: Scalar = None
    GhiChu: Scalar = None
    DanhSachHoSoBoSung: list[Supplement] | None = None
    DanhSachGiayToKetQua: list[Result] | None = None


class Progress(Struct):
    """One step of CapNhatTienDoHoSoMC."""

    MaHoSo: Scalar = None
    NguoiXuLy: Scalar = None
    ChucDanh: Scalar = None
    ThoiDiemXuLy: Scalar = None
    PhongBanXuLy: Scalar = None
    NoiDungXuLy: Scalar = None
    TrangThai: Scalar = None
    TrangThaiHoSo: Scalar = None


class Envelope(Struct):
    """A payload as sent: its entries in `data`, one or a list of them; without `data` it is one entry itself.

    Clients that have one address for everything name the `service`; look-ups name what they ask for beside it.
    """

    data: Raw | UnsetType = UNSET
    service: Scalar = None
    dossier: Scalar = field(name="mahoso", default=None)
    procedure: Scalar = field(name="maTTHC", default=None)


class EntryAnswer(Struct, omit_defaults=True):
    """What became of one entry; `error_code` 0 is well, 1 is refused, and `message` then names the field."""

    MaHoSo: str | None
    error_code: int
    message: str
    outcome: str
    notices: int
    flags: list[str] = []


# What the portal answers when all is well, to the letter: clients of its session protocol compare the text.
WELL: Literal["00"] = "00"
Code = int | Literal["00"]


class Answer(Struct):
    """The answer in the portal's shape: `error_code` 0 when every entry was taken in, 1 when some were refused; see `result`.

    Within a session it is the portal's text `00` in place of 0.
    """

    error_code: Code
    message: str
    result: list[EntryAnswer]


class Field(Struct):
    """A field of procedures (lĩnh vực)."""

    MALINHVUC: str
    TENLINHVUC: str


class Known(Struct, omit_defaults=True):
    """Something that is here: a dossier with its status (TraCuuHoSo), or a procedure with its name and field (LayThuTuc)."""

    MaHoSo: str | None = None
    TrangThaiHoSo: str | None = None
    MATTHC: str | None = None
    TENTTHC: str | None = None
    LINHVUCTHUCHIEN: list[Field] = []


class Looked(Struct):
    """What is known of what was asked for; nothing is an empty `result`, not an error."""

    error_code: Code
    message: str
    result: list[Known]


class Opened(Struct):
    """A session, to be sent along in the bodies that follow."""

    error_code: int
    message: str
    session: str
