"""`/v1/petitions` as an office uses it."""

from typing import Any

import pytest
from tests.files.test_check import picture
from tests.notices.stage import Stage
from tests.petitions.filing import TEXT, filed

from govchat.files import keep
from govchat.files.store import Store
from govchat.kit import clock


@pytest.fixture
async def call(api):
    key = await api.key("lam-dong", "petitions:read", "petitions:write")

    async def ask(method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key}"}
        async with api.http.request(method, f"{api.url}/v1/petitions{path}", json=body, headers=headers) as answer:
            told = await (answer.json(content_type=None) if "json" in answer.content_type else answer.read())
            return answer.status, told

    return ask


@pytest.fixture
async def chat(api) -> Stage:
    return await Stage.open(api.registry, "lam-dong")


async def test_an_office_reads_assigns_and_answers(chat, call, api) -> None:
    store = Store.open(api.settings)
    kept = await keep.keep(store, chat.vault, chat.id, picture())
    citizen = await chat.citizen(now=clock.now())
    made = await filed(chat, citizen, photos=(kept,), latitude=11.94, longitude=108.44, phone="0912345678")
    status, told = await call("GET", f"/{made.code}")
    assert (status, told["text"], told["name"], told["phone"]) == (200, TEXT, "Trịnh Thị Hiền", "0912345678")
    assert told["place"] == {"text": None, "latitude": 11.94, "longitude": 108.44}
    ((photo),) = told["photos"]
    status, content = await call("GET", f"/{made.code}/files/{photo['id']}")
    assert (status, content[:3]) == (200, b"\xff\xd8\xff")
    other = await filed(chat, await chat.citizen())
    assert (await call("GET", f"/{other.code}/files/{photo['id']}"))[1]["code"] == "file_not_found"

    status, told = await call("POST", f"/{made.code}/assign", {"unit": "Phòng Kinh tế", "officer": "Trần Văn An"})
    assert (status, told["state"], told["unit"]) == (200, "assigned", "Phòng Kinh tế")
    status, told = await call("POST", f"/{made.code}/answer", {"text": "Đã vá xong mặt đường."})
    assert (told["state"], told["delivery"]["state"]) == ("answered", "planned")
    events = (await call("GET", f"/{made.code}/events?limit=2"))[1]
    assert [one["act"] for one in events["items"]] == ["created", "assigned"]
    rest = (await call("GET", f"/{made.code}/events?cursor={events['next_cursor']}"))[1]
    assert [(one["act"], one["note"]) for one in rest["items"]] == [("answered", "Đã vá xong mặt đường.")]
    audit = await chat.rows(
        "SELECT act, after FROM audit_entries WHERE tenant_id = :tenant AND subject = :subject ORDER BY number",
        subject=f"petition:{made.code}",
    )
    assert [row.act for row in audit] == ["petition.assigned", "petition.answered"]
    assert "Đã vá" not in str(audit)


async def test_who_asked_to_stay_unnamed_is_unnamed(chat, call) -> None:
    made = await filed(chat, await chat.citizen(), anonymous=True, phone="0912345678")
    _, told = await call("GET", f"/{made.code}")
    assert (told["text"], told["name"], told["phone"], told["flags"]) == (TEXT, None, None, ["anonymous"])


async def test_the_list_is_narrowed_and_paged(chat, call) -> None:
    unit = "Sở Văn hóa"
    made = [await filed(chat, await chat.citizen(), category="noise") for _ in range(3)]
    for one in made:
        await call("POST", f"/{one.code}/assign", {"unit": unit})
    first = (await call("GET", f"?unit={unit}&category=noise&only=assigned&limit=2"))[1]
    assert [one["code"] for one in first["items"]] == [made[0].code, made[1].code]
    assert "text" not in first["items"][0]
    rest = (await call("GET", f"?unit={unit}&cursor={first['next_cursor']}"))[1]
    assert ([one["code"] for one in rest["items"]], rest["next_cursor"]) == ([made[2].code], None)
    assert (await call("GET", "?overdue=true"))[1]["items"] == []
    assert (await call("GET", "?cursor=abc"))[1]["code"] == "cursor_invalid"


async def test_refusals_say_what_to_do(chat, call, api) -> None:
    made = await filed(chat, await chat.citizen())
    assert (await call("GET", "/PA-23456-78923"))[1]["code"] == "petition_not_found"
    await call("POST", f"/{made.code}/forward", {"to": "Bộ Xây dựng"})
    status, told = await call("POST", f"/{made.code}/assign", {"unit": "Sở Xây dựng"})
    assert (status, told["code"], told["state"]) == (409, "petition_move_refused", "forwarded")
    assert (await call("POST", f"/{made.code}/answer", {"text": "x"}))[1]["code"] == "invalid"
    key = await api.key("hue", "petitions:read")
    headers = {"Authorization": f"Bearer {key}"}
    async with api.http.get(f"{api.url}/v1/petitions/{made.code}", headers=headers) as answer:
        assert answer.status == 404, "another province's"
    async with api.http.post(
        f"{api.url}/v1/petitions/{made.code}/close", json={"reason": "Không"}, headers=headers
    ) as answer:
        assert (answer.status, (await answer.json())["scope"]) == (403, "petitions:write")
