"""Words that could not be said are refused when they are saved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govchat.db.session import Database
from govchat.notices import reword
from govchat.notices.kinds import FIELDS, MUST, Kind
from govchat.notices.wording import LONGEST, WordingInvalid, fill, preview, read, shipped, shipped_texts
from govchat.tenants.registry import Registry
from govchat.zalo import messages

SAMPLES = {name: field.sample for name, field in FIELDS.items()}
GOOD = "Hồ sơ {code} đã chuyển.\nCơ quan: {unit}\nNgười: {officer}\nNhận: {received}\nHẹn: {due}\nLúc: {changed}"


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_words_with_office_person_and_times(kind: Kind) -> None:
    said = preview(kind)
    for name in MUST[kind]:
        assert SAMPLES[name] in said, f"{kind} does not say {name}"
    assert "{" not in said
    assert messages.text("1", said)


@pytest.mark.parametrize("kind", Kind)
def test_words_still_make_sense_when_nothing_optional_is_known(kind: Kind) -> None:
    known = {name: value for name, value in SAMPLES.items() if FIELDS[name].always}
    said = fill(shipped()[kind], known)
    assert SAMPLES["code"] in said
    assert all(line.strip() and not line.rstrip().endswith(":") for line in said.splitlines()), said


REFUSED = {
    "an unknown fact": (GOOD + "\n{mobile}", "dòng 7", "{mobile}"),
    "no office": (GOOD.replace("Cơ quan: {unit}\n", ""), "cơ quan", "{unit}"),
    "no code": (GOOD.replace("{code} ", ""), "{code}", "mã hồ sơ"),
    "code beside what may be missing": (GOOD + "\n{code} {note}", "dòng 7", "hai dòng riêng"),
    "an open brace": (GOOD + "\n{code", "dòng 7", "ngoặc nhọn"),
    "a format": (GOOD.replace("{code}", "{code!r}"), "dòng 1", "không biết chỗ điền"),
    "a nameless place": (GOOD + "\n{}", "dòng 7", "không biết chỗ điền"),
    "not in NFC": (GOOD + "\nCa\u0300 phê", "NFC", "dựng sẵn"),
    "empty": ("  ", "0 ký tự", ""),
    "too long": (GOOD + "\n" + "a" * LONGEST, "ký tự", str(LONGEST)),
    "a control character": (GOOD + "\n\x07", "dòng 7", "ký tự điều khiển"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_can_not_be_said_is_refused_with_the_place(why: str) -> None:
    text, *told = REFUSED[why]
    with pytest.raises(WordingInvalid) as refused:
        read(Kind.MOVED, text)
    for part in told:
        assert part in refused.value.detail


@given(st.text(max_size=300), st.sampled_from(Kind))
def test_any_text_is_either_refused_or_can_be_filled(text: str, kind: Kind) -> None:
    try:
        wording = read(kind, text)
    except WordingInvalid:
        return
    fill(wording, SAMPLES)


async def test_a_province_speaks_its_newest_words_and_keeps_the_older(db: Database, registry: Registry) -> None:
    tenant = registry.by_slug("ca-mau").id
    async with db.tenant(tenant) as session:
        assert await reword.save(session, tenant, Kind.MOVED, GOOD, actor="cli:test") == 1
        assert await reword.save(session, tenant, Kind.MOVED, GOOD + "\nCảm ơn.", actor="cli:test") == 2
        with pytest.raises(WordingInvalid):
            await reword.save(session, tenant, Kind.MOVED, "{mobile}", actor="cli:test")
    async with db.tenant(tenant) as session:
        now = await reword.current(session, tenant)
        assert now[Kind.MOVED] == (2, GOOD + "\nCảm ơn.")
        assert now[Kind.READY] == (0, shipped_texts()[Kind.READY])
        assert await reword.save(session, tenant, Kind.MOVED, None, actor="cli:test") == 3
        assert (await reword.current(session, tenant))[Kind.MOVED] == (3, shipped_texts()[Kind.MOVED])
        assert [one.version for one in await reword.versions(session, tenant, Kind.MOVED)] == [3, 2, 1]
