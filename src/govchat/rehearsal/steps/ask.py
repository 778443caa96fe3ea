"""Citizens ask: for their dossier with and without its secret, for what is not theirs or not there, for procedures."""

from govchat.conversation.flows.front import within
from govchat.dossiers.status import STATUSES
from govchat.kit.text import fold
from govchat.rehearsal import cast
from govchat.rehearsal.cast import IN_PROGRESS
from govchat.rehearsal.report import Sheet
from govchat.rehearsal.stage import Stage, first_wrong

LABEL = STATUSES[IN_PROGRESS].label
# The ways in which people really write it.
FORMS = (
    lambda code: f"tra cứu {code}",
    lambda code: f"tra cuu {code.lower()}",
    lambda code: code,
    lambda code: f"cho tôi hỏi hồ sơ {code} đến đâu rồi",
)


async def ask(stage: Stage, sheet: Sheet) -> None:
    """Every question is answered, and nothing is told to who may not hear it."""
    size = stage.cast.size
    sheet.tell(
        f"{size.citizens} công dân tra cứu hồ sơ của mình, không kèm rồi có kèm mã tra cứu; một số hỏi sai, hỏi hồ sơ tỉnh khác."
    )
    people = stage.cast.citizens
    bare = await stage.ask([(one.user_id, FORMS[at % len(FORMS)](one.dossier.code)) for at, one in enumerate(people)])
    good, wrong = first_wrong(bare, lambda at, said: people[at].dossier.code in said and LABEL in said)
    sheet.expect("Tra cứu không kèm mã, biết tình trạng", size.citizens, good, wrong)
    kept, _ = first_wrong(bare, lambda at, said: people[at].dossier.applicant.name not in said)
    sheet.expect("Tra cứu không kèm mã, không lộ tên người nộp", size.citizens, kept)
    await _wrong(stage, sheet)
    half = len(people) // 2
    proofs = [(one.user_id, f"tra cứu {one.dossier.code} {one.dossier.lookup_secret}") for one in people[:half]]
    proofs += [(one.user_id, one.dossier.lookup_secret) for one in people[half:]]
    # Who asked something else in between names the dossier first, as the others do; the secret alone belongs to the one asked for last.
    proven = await stage.ask(proofs)
    good, wrong = first_wrong(proven, lambda at, said: people[at].dossier.applicant.name in said)
    sheet.expect("Tra cứu có mã, thấy đủ nội dung", size.citizens, good, wrong)
    await _procedures(stage, sheet)


async def _wrong(stage: Stage, sheet: Sheet) -> None:
    """A few with a wrong secret, a few with a code that isn't there, five with a neighbour's: people of the first half."""
    few, people = stage.cast.size.few, stage.cast.citizens
    asking = people[: 2 * few + cast.NEIGHBOURS_FOLLOWERS]
    guessed = [(one.user_id, f"tra cứu {people[-1 - at].dossier.code} QQQQ") for at, one in enumerate(asking[:few])]
    said = await stage.ask(guessed)
    names = [people[-1 - at].dossier.applicant.name for at in range(few)]
    good, wrong = first_wrong(said, lambda at, told: bool(told) and names[at] not in told and LABEL not in told)
    sheet.expect("Mã tra cứu sai, không cho biết gì", few, good, wrong)
    codes = [f"{one.dossier.code.rpartition('-')[0]}-9{at:03}" for at, one in enumerate(asking[few : 2 * few])]
    said = await stage.ask([(one.user_id, code) for one, code in zip(asking[few : 2 * few], codes, strict=True)])
    good, wrong = first_wrong(said, lambda at, told: codes[at] in told and LABEL not in told)
    sheet.expect("Hồ sơ không có, nói chưa tìm thấy", few, good, wrong)
    neighbour = stage.cast.neighbours[0]
    theirs = cast.dossiers_of(neighbour, stage.today, cast.NEIGHBOURS_FOLLOWERS)
    said = await stage.ask([(one.user_id, each.code) for one, each in zip(asking[2 * few :], theirs, strict=True)])
    name = within(neighbour.full_name)
    good, wrong = first_wrong(
        said, lambda _, told: name in told and not any(each.label in told for each in STATUSES.values())
    )
    sheet.expect("Hồ sơ của tỉnh khác, chỉ đường, không tra hộ", len(theirs), good, wrong)


async def _procedures(stage: Stage, sheet: Sheet) -> None:
    """Questions about a procedure, with and without diacritics, are answered with the figures that the office has imported."""
    given = stage.catalogue
    await stage.house.worker.book.fresh(stage.tenant.id)  # in a process of its own a worker looks every five seconds
    asked = [
        (f"{given.name} cần giấy tờ gì", given.paper),
        (f"{given.name} lệ phí bao nhiêu", f"{given.fee:,}".replace(",", ".")),
        (f"{given.name} mất bao lâu", given.time),
        (f"nộp {given.name} ở đâu", given.address),
    ]
    asked += [(fold(words), fact) for words, fact in asked]
    people = stage.cast.citizens[-len(asked) :]
    said = await stage.ask([(one.user_id, words) for one, (words, _) in zip(people, asked, strict=True)])
    good, wrong = first_wrong(said, lambda at, told: given.name in told and asked[at][1] in told)
    sheet.expect("Hỏi thủ tục (có dấu và không dấu), trả lời đúng số liệu của tỉnh", len(asked), good, wrong)
