"""The national payloads by the names of their fields; whatever else a vendor sends along is skipped, never kept and never logged.

Numbers come as texts, empty texts stand for nothing, times read yyyyMMddHHmmss in Vietnamese time.
"""

from msgspec import UNSET, Raw, Struct, UnsetType

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


class Envelope(Struct):
    """A payload as sent: its entries in `data`, one or a list of them; without `data` it is one entry itself."""

    data: Raw | UnsetType = UNSET


class EntryAnswer(Struct, omit_defaults=True):
    """What became of one entry; `error_code` 0 is well, 1 is refused, and `message` then names the field."""

    MaHoSo: str | None
    error_code: int
    message: str
    outcome: str
    notices: int
    flags: list[str] = []


class Answer(Struct):
    """The answer in the portal's shape: `error_code` 0 when every entry was taken in, 1 when some were refused; see `result`."""

    error_code: int
    message: str
    result: list[EntryAnswer]
