"""Citizens ask in the chat to be told of changes of the dossier they have just proven."""

from govchat.rehearsal.report import Sheet
from govchat.rehearsal.stage import Stage, first_wrong

WORDS = ("đăng ký nhận thông báo", "dang ky nhan thong bao")
FOLLOWED = """
    SELECT count(*) FROM dossier_followers f
    JOIN citizens c ON c.tenant_id = f.tenant_id AND c.id = f.citizen_id
    JOIN dossiers d ON d.tenant_id = f.tenant_id AND d.id = f.dossier_id
    JOIN unnest(CAST(:users AS text[]), CAST(:codes AS text[])) AS own(user_id, code) ON own.user_id = c.zalo_user_id AND own.code = d.code
    WHERE f.tenant_id = :tenant AND f.ended_at IS NULL
"""
CONSENTS = "SELECT count(*) FROM consents WHERE tenant_id = :tenant AND purpose = 'status' AND state = 'granted'"


async def subscribe(stage: Stage, sheet: Sheet) -> None:
    """Each subscribes to their own dossier and to no other; the consent is kept with its evidence."""
    size, people = stage.cast.size, stage.cast.citizens
    said = await stage.ask([(one.user_id, WORDS[at % len(WORDS)]) for at, one in enumerate(people)])
    sheet.tell(f"{size.citizens} công dân nhắn “{WORDS[0]}” cho hồ sơ vừa xác nhận.")
    users, codes = [one.user_id for one in people], [one.dossier.code for one in people]
    good, wrong = first_wrong(said, lambda at, told: people[at].dossier.code in told)
    sheet.expect("Được trả lời với đúng mã hồ sơ", size.citizens, good, wrong)
    sheet.expect("Theo dõi đúng hồ sơ của mình", size.citizens, await stage.count(FOLLOWED, users=users, codes=codes))
    sheet.expect("Sự đồng ý được lưu kèm bằng chứng", size.citizens, await stage.count(CONSENTS))
