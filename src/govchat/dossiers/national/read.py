"""The national payloads brought to dossiers as our own intake takes them.

An entry is read leniently: it is somebody else's format. What it leaves out is completed by what is stored; what it lacks for a dossier
that is new, or doesn't fit, is refused by the name it goes by there.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.dossiers import codes
from govchat.dossiers.advance import State
from govchat.dossiers.intake import put_many
from govchat.dossiers.judge import Draft
from govchat.dossiers.national.schemas import Answer, EntryAnswer, Envelope, Progress, Result, Scalar, Synchronised
from govchat.dossiers.private import Private
from govchat.dossiers.schemas import MOST_ITEMS, DossierIn, Put
from govchat.dossiers.status import ROOM
from govchat.dossiers.terms import unit_key
from govchat.errors import DomainError
from govchat.kit import clock
from govchat.kit.crypto import TenantVault
from govchat.kit.fields import named
from govchat.kit.phrases import overlaid, phrases
from govchat.procedures.book import Book
from govchat.tenants.phrases import own_phrases

T = TypeVar("T", Synchronised, Progress)
Sent = list[msgspec.Raw] | Envelope

TIMES = {14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M", 8: "%Y%m%d"}
_RESULTS, _LONGEST_NOTE, _LONGEST_URL = 20, 2000, 1000

# Our field → theirs, for refusals.
_SYNCHRONISED = {
    "procedure_code": "MaTTHC", "applicant.name": "ChuHoSo", "applicant.phone": "SoDienThoai",
    "applicant.id_number": "MaDoiTuong", "status": "TrangThaiHoSo", "handler.unit": "DonViXuLy", "received_at": "NgayTiepNhan",
    "due_at": "NgayHenTra", "status_note": "GhiChu",
}  # fmt: skip
_PROGRESS = {
    "status": "TrangThai", "handler.unit": "PhongBanXuLy", "handler.officer": "NguoiXuLy", "status_note": "NoiDungXuLy",
    "changed_at": "ThoiDiemXuLy",
}  # fmt: skip


class PayloadUnfit(DomainError):
    """A national payload holds nothing that could be read, or too much."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "national_payload_unfit"
    title: ClassVar[str] = "The payload holds no entries that can be taken in"


class EntryUnfit(DomainError):
    """An entry lacks something or holds what doesn't fit; told in its own answer."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "national_entry_unfit"
    title: ClassVar[str] = "The entry of the payload doesn't fit"


class Foreign(DossierIn, kw_only=True):
    """A dossier told in another format: a reason that is missing there is flagged, not refused."""

    def __post_init__(self) -> None:
        self.check_moments()


async def synchronise(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, book: Book, sent: Sent, *, test: bool = False
) -> Answer:
    """DongBoHoSoMC: dossiers as they are now; raises `PayloadUnfit`."""
    read = [_entry(raw, Synchronised, _draft_of_dossier) for raw in _entries(sent)]
    return await _take(session, vault, tenant_id, book, read, test=test)


async def progress(
    session: AsyncSession, vault: TenantVault, tenant_id: UUID, book: Book, sent: Sent, *, test: bool = False
) -> Answer:
    """CapNhatTienDoHoSoMC: steps of dossiers that were synchronised before; raises `PayloadUnfit`."""
    read = [_entry(raw, Progress, _draft_of_progress) for raw in _entries(sent)]
    return await _take(session, vault, tenant_id, book, read, test=test)


async def _take(
    session: AsyncSession,
    vault: TenantVault,
    tenant_id: UUID,
    book: Book,
    read: Sequence[tuple[str | None, Draft | DomainError]],
    *,
    test: bool,
) -> Answer:
    drafts = [draft for _, draft in read if isinstance(draft, Draft)]
    own = await own_phrases(session, tenant_id, ROOM) if drafts else {}
    with overlaid(own):  # what the payload leaves out is completed in the province's words
        taken = iter(await put_many(session, vault, tenant_id, book, drafts, test=test) if drafts else ())
    answers = [_answer(code, next(taken) if isinstance(draft, Draft) else draft) for code, draft in read]
    wrong = [each for each in answers if each.error_code]
    if not wrong:
        return Answer(0, "Thành công", answers)
    return Answer(1, f"{len(wrong)}/{len(answers)} hồ sơ chưa được nhận; {wrong[0].message}", answers)


def _answer(code: str | None, result: Put | DomainError) -> EntryAnswer:
    if isinstance(result, Put):
        return EntryAnswer(code, 0, "Thành công", result.outcome, result.notices, result.flags)
    return EntryAnswer(code, 1, result.detail, "refused", 0)


def _entries(sent: Sent) -> list[msgspec.Raw]:
    """The entries of a payload: a list, or an object with `data`, or one entry by itself."""
    if isinstance(sent, Envelope):
        data = bytes(sent.data or b"").lstrip()
        if data.startswith(b"{"):
            return [msgspec.Raw(data)]
        sent = msgspec.json.decode(data, type=list[msgspec.Raw]) if data.startswith(b"[") else []
    if not 1 <= len(sent) <= MOST_ITEMS:
        raise PayloadUnfit(
            f"{len(sent)} entries: expected 1 to {MOST_ITEMS}, as a list, in `data`, or one entry with MaHoSo by itself"
        )
    return sent


def _entry(raw: msgspec.Raw, kind: type[T], draft_of: Any) -> tuple[str | None, Draft | DomainError]:
    try:
        entry = msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        field, message = named(str(error), whole="entry")
        return None, EntryUnfit(f"{field}: {message}")
    code = _text(entry.MaHoSo)
    if code is None:
        return None, EntryUnfit("MaHoSo: is missing")
    try:
        return code, draft_of(entry, code, codes.parse(code).key)
    except codes.CodeInvalid as error:
        return code[:80], EntryUnfit(f"MaHoSo: {error.detail}")
    except EntryUnfit as error:
        return code, EntryUnfit(f"{code}: {error.detail}")


def _draft_of_dossier(entry: Synchronised, code: str, key: str) -> Draft:
    received, due = _moment("NgayTiepNhan", entry.NgayTiepNhan), _moment("NgayHenTra", entry.NgayHenTra)
    status = _status("TrangThaiHoSo", entry.TrangThaiHoSo)
    ended = {9: ("NgayKetThucXuLy", entry.NgayKetThucXuLy), 10: ("NgayTra", entry.NgayTra)}.get(status or 0)
    # The format names no time of change besides these two: otherwise it is when we hear of it.
    own = _moment(*ended) if ended else None
    changed = own or clock.now()
    supplements = entry.DanhSachHoSoBoSung or []
    asked = _text(supplements[-1].NoiDungBoSung) if supplements and status == 5 else None
    note = _text(entry.GhiChu) or asked
    due = due or next((_moment("NgayHenTraMoi", each.NgayHenTraMoi) for each in reversed(supplements)), None)

    def merge(state: State | None, stored: Private | None) -> DossierIn:
        applicant = stored.applicant if stored else None
        name = _text(entry.ChuHoSo) or (applicant.name if applicant else None)
        told = {
            "procedure_code": _text(entry.MaTTHC) or (state.procedure_code if state else None),
            "applicant": {
                "name": name,
                "phone": _text(entry.SoDienThoai) or (applicant.phone if applicant else None),
                "id_number": _text(entry.MaDoiTuong) or (applicant.id_number if applicant else None),
            },
            "status": status or (state.status if state else None),
            "handler": _handler(_text(entry.DonViXuLy), state, stored),
            "changed_at": changed,
            "received_at": received or (state.received_at if state else None),
            "status_note": note[:_LONGEST_NOTE] if note else None,
            "results": _results(entry.DanhSachGiayToKetQua)
            if entry.DanhSachGiayToKetQua is not None
            else [msgspec.to_builtins(each) for each in (stored.results if stored else [])],
        }
        return _whole(told | _due(due, state), _SYNCHRONISED, code)

    return Draft(code=code, key=key, merge=merge, untimed=True, heard=own is None, keeps_secret=True)


def _draft_of_progress(entry: Progress, code: str, key: str) -> Draft:
    # Some clients send whole dossiers under this service, with the dossier's name of the field.
    told = "TrangThai" if _text(entry.TrangThai) else "TrangThaiHoSo"
    status, at = _status(told, getattr(entry, told)), _moment("ThoiDiemXuLy", entry.ThoiDiemXuLy)
    note, officer = _text(entry.NoiDungXuLy), _text(entry.NguoiXuLy)
    title = _text(entry.ChucDanh)

    def merge(state: State | None, stored: Private | None) -> DossierIn:
        if state is None or stored is None:
            raise EntryUnfit(f"{code}: MaHoSo is not known here, send it with DongBoHoSoMC first")
        told = {
            "procedure_code": state.procedure_code,
            "applicant": msgspec.to_builtins(stored.applicant),
            "status": status or state.status,
            "sub_status": state.sub_status if status in (None, state.status) else None,
            "handler": {
                "unit": _text(entry.PhongBanXuLy) or state.unit,
                "officer": f"{officer} ({title})" if officer and title else officer or stored.officer,
            },
            "changed_at": at or clock.now(),
            "received_at": state.received_at,
            "status_note": note[:_LONGEST_NOTE] if note else None,
            "results": [msgspec.to_builtins(each) for each in stored.results],
        }
        return _whole(told | _due(None, state), _PROGRESS, code)

    return Draft(code=code, key=key, merge=merge, untimed=at is None, heard=at is None, keeps_secret=True)


def _handler(unit: str | None, state: State | None, stored: Private | None) -> dict[str, str | None]:
    """Who holds it. The format names no person: whom a step has named stands as long as the office is the same."""
    if state is None or stored is None:
        return {"unit": unit or phrases(ROOM)["counter"], "officer": None}
    same = unit is None or unit_key(unit) == unit_key(state.unit)
    return {"unit": unit or state.unit, "officer": stored.officer if same else None}


def _due(due: datetime | None, state: State | None) -> dict[str, Any]:
    if due is not None:
        return {"due_at": due}
    return {"due_at": state.due_at} if state is not None and state.due_given else {}


def _whole(told: dict[str, Any], names: dict[str, str], code: str) -> DossierIn:
    """The dossier; raises `EntryUnfit` with the field's name in the payload."""
    try:
        return msgspec.convert(told, Foreign)
    except msgspec.ValidationError as error:
        field, message = named(str(error), whole="entry")
        raise EntryUnfit(
            f"{code}: {names.get(field, field)}: {'is missing' if 'null' in message else message}"
        ) from None


def _results(given: list[Result] | None) -> list[dict[str, Any]]:
    made = []
    for each in given or []:
        name, url = _text(each.TenGiayTo), _text(each.DuongDanTepTinKetQua)
        fits = url is not None and len(url) <= _LONGEST_URL and urlsplit(url).scheme in ("http", "https")
        if name:
            made.append({"name": name[:300], "url": url if fits else None})
    return made[:_RESULTS]


def _text(given: Scalar) -> str | None:
    return str(given).strip() or None if given is not None else None


def _status(field: str, given: Scalar) -> int | None:
    written = _text(given)
    if written is None:
        return None
    if not (written.isascii() and written.isdigit() and 1 <= int(written) <= 10):
        raise EntryUnfit(f'{field}: "{written[:40]}" is no status of the national list, 1 to 10')
    return int(written)


def _moment(field: str, given: Scalar) -> datetime | None:
    written = _text(given)
    if written is None:
        return None
    form = TIMES.get(len(written))
    try:
        if form is None or not written.isdigit():
            raise ValueError
        # A day without a time ends with the office hours; only due dates come so.
        moment = datetime.strptime(written, form).replace(tzinfo=clock.VN)
    except ValueError:
        raise EntryUnfit(
            f'{field}: "{written[:40]}" is no time; expected yyyyMMddHHmmss, such as 20261120091200'
        ) from None
    return moment + timedelta(hours=17) if len(written) == 8 and field.startswith("NgayHenTra") else moment
