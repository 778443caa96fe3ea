"""The portal's look-ups that clients make before they send: is the dossier here (TraCuuHoSo), what is the procedure called (LayThuTuc).

Of a dossier nothing is told but its status, which whoever may put it is told anyway.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.dossiers import queries
from govchat.dossiers.codes import CodeInvalid
from govchat.dossiers.national.schemas import Envelope, Field, Known, Looked
from govchat.dossiers.queries import DossierNotFound
from govchat.procedures.book import View

DOSSIER, PROCEDURE = "TraCuuHoSo", "LayThuTuc"


async def dossier(session: AsyncSession, tenant_id: UUID, asked: Envelope) -> Looked:
    """TraCuuHoSo: the dossier with the code `mahoso`, if it is here."""
    try:
        found = await queries.row_of(session, tenant_id, str(asked.dossier or ""))
    except (CodeInvalid, DossierNotFound):
        return Looked(0, "Không tìm thấy", [])
    return Looked(0, "Thành công", [Known(MaHoSo=found.code, TrangThaiHoSo=str(found.status))])


def procedure(catalogue: View, asked: Envelope) -> Looked:
    """LayThuTuc: the procedure with the code `maTTHC`, if the province's catalogue holds it."""
    found = catalogue.get(str(asked.procedure or "").strip())
    if found is None:
        return Looked(0, "Không tìm thấy", [])
    known = Known(MATTHC=found.code, TENTTHC=found.name, LINHVUCTHUCHIEN=[Field("", found.field)])
    return Looked(0, "Thành công", [known])
