"""Filing as the chat does it."""

from typing import Any

from tests.notices.stage import Stage

from govchat.citizens.know import Citizen
from govchat.petitions.file import Filed, New, file

TEXT = "Mặt đường trước số 12 Nguyễn Trãi có ổ gà sâu, hai xe máy đã ngã."


async def filed(stage: Stage, citizen: Citizen, **changes: Any) -> Filed:
    photos, at, photos_of = changes.pop("photos", ()), changes.pop("at", None), changes.pop("photos_of", "")
    given = {
        "kind": "reflection",
        "text": TEXT,
        "category": "traffic",
        "name": "Trịnh Thị Hiền",
        "commune": "Phường Xuân Hương",
    }
    async with stage.db.tenant(stage.id) as session:
        return await file(
            session,
            stage.vault,
            stage.id,
            citizen.id,
            New(**given | changes),
            photos=photos,
            photos_of=photos_of,
            at=at,
        )


async def do(stage: Stage, act: Any, *given: Any, **named: Any) -> Any:
    """One act in a transaction of its own."""
    async with stage.db.tenant(stage.id) as session:
        return await act(session, stage.vault, stage.id, *given, **named)
