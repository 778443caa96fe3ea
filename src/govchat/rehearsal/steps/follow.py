"""Two hundred citizens follow the Official Account; each is welcomed once, by the name of the province."""

import asyncio

from govchat.conversation.flows.front import within
from govchat.rehearsal.report import Sheet
from govchat.rehearsal.stage import AT_ONCE, Stage, gather


async def follow(stage: Stage, sheet: Sheet) -> None:
    """They press "Quan tâm" within the same seconds."""
    size, zalo = stage.cast.size, stage.house.zalo
    users = [citizen.user_id for citizen in stage.cast.citizens]
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(user_id: str) -> None:
        async with gate:
            stage.taken(await zalo.follow(stage.slug, user_id))

    await gather(one(user_id) for user_id in users)
    await zalo.courier.settled()
    await stage.settled()
    stage.asked += len(users)
    sheet.tell(f"{size.citizens} công dân bấm Quan tâm Official Account.")
    told = [[message.text for message in stage.told(user_id)] for user_id in users]
    name = within(stage.tenant.full_name)
    sheet.expect("Được chào đúng một lần", size.citizens, sum(1 for each in told if len(each) == 1))
    sheet.expect(f"Lời chào nêu {name}", size.citizens, sum(1 for each in told if name in " ".join(each)))
    sheet.expect(
        "Người quan tâm được ghi nhận",
        size.citizens,
        await stage.count("SELECT count(*) FROM citizens WHERE tenant_id = :tenant AND follows"),
    )
