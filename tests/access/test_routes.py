"""Every route has a guard or says PUBLIC; and every `/v1` route, whatever it is, keeps one province's things from another's key.

Generated from the route table: a new route is tried without a line here, or fails with what to add.
"""

import re
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from sqlalchemy import update
from tests.access.bodies import body_for
from tests.db.rows import BY_NAME, TENANT_TABLES, make
from tests.house import House, open_house

from govchat.access import keys
from govchat.access.guards import PUBLIC, RequireScope
from govchat.access.models import ApiKeyRow
from govchat.app import create_app
from govchat.callbacks import sign
from govchat.callbacks.deliver import secret_context
from govchat.callbacks.models import CallbackEndpointRow
from govchat.campaigns.models import CampaignRow
from govchat.campaigns.queries import message_context
from govchat.citizens.know import know
from govchat.kit import clock
from govchat.outbox.models import OutboxMessageRow
from govchat.settings import Settings
from govchat.tenants import testers

OURS, THEIRS = "lai-chau", "dien-bien"
CODE = "H18.07-261103-4711"
SECRETS = ("Quàng Thị Bí Mật", "0987000111", "Lò Văn Kín", "không ai được biết", "Phòng Không Lộ")
DOSSIER = {
    "applicant": {"name": SECRETS[0], "phone": SECRETS[1]},
    "handler": {"unit": SECRETS[4], "officer": SECRETS[2]},
    "status_note": SECRETS[3],
}
# What stands for B's thing in a path, by the parameter's name.
CALLBACK = UUID("0190c0de-0000-7000-8000-00000000ca11")
MESSAGE = UUID("0190c0de-0000-7000-8000-00000000e55a")
CAMPAIGN = UUID("0190c0de-0000-7000-8000-0000000ca3f1")
PETITION, RATING, REQUEST = (UUID(f"0190c0de-0000-7000-8000-00000000be{number:02}") for number in (1, 2, 3))
PETITION_CODE = "PA-K7PX2-M9QD4"
# Rooms whose acts depend on what happened before; their own tests carry them out. Here they need not succeed, only never reach across.
ELSEWHERE = ("/v1/petitions/", "/v1/privacy-requests/", "/v1/ratings/")
PATH_PARAMETERS = {
    "code": CODE,
    "procedure": "1.013225",
    "callback_id": str(CALLBACK),
    "campaign_id": str(CAMPAIGN),
    "follower_id": "0190c0de-0000-7000-8000-00000000f011",
    "message_id": str(MESSAGE),
    "rating_id": str(RATING),
    "request_id": str(REQUEST),
    "file_id": "0190c0de-0000-7000-8000-00000000f11e",
    "user_id": "tester",
    "key": "gvc_live_",
    "service": "DongBoHoSoMC",
}
# What a route must be asked besides, by operation.
QUERIES = {"drop_label": "?kind=tag&name=x"}
# Routes that take a file, by operation: one that fits.
PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
FILES = {
    "import_procedures": "Mã thủ tục,Tên thủ tục\n1.013225,Cấp giấy phép xây dựng\n".encode(),
    "upload_audience_list": b"user_id\ntester\n",
    "label_citizens": b"user_id,tags\ntester,x\n",
    "upload_campaign_picture": PIXEL,
}


@dataclass(frozen=True)
class Call:
    """One method of one route."""

    method: str
    path: str
    parameters: tuple[str, ...]
    handler: HTTPRouteHandler

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def scope(self) -> str | None:
        return next((guard.scope for guard in self.handler.resolve_guards() if isinstance(guard, RequireScope)), None)

    def url(self) -> str:
        for name in self.parameters:
            if name not in PATH_PARAMETERS:
                pytest.fail(
                    f'{self.name}: what of another province stands for "{name}"? Make one in `their_things` and name it in '
                    f"PATH_PARAMETERS of {__file__}"
                )
        given = PATH_PARAMETERS | ({"code": PETITION_CODE} if self.path.startswith("/v1/petitions/") else {})
        path = re.sub(r"{(\w+)(:\w+)?}", lambda found: given[found[1]], self.path)
        return path + QUERIES.get(str(self.handler.operation_id), "")

    @property
    def elsewhere(self) -> bool:
        return self.path.startswith(ELSEWHERE)

    def given(self) -> dict[str, Any]:
        """What aiohttp sends along: a body as JSON, or a file."""
        operation = str(self.handler.operation_id)
        if operation in FILES:
            return {"data": FILES[operation]}
        taken = self.handler.parsed_fn_signature.parameters.get("data")
        return {"json": None if taken is None else body_for(operation, taken.annotation)}


def _calls() -> Iterator[Call]:
    for route in create_app(Settings(master_keys=("reads-the-routes",))).routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in sorted(handler.http_methods - {"OPTIONS"}):
                    yield Call(str(method), route.path_format, tuple(route.path_parameters), handler)


DIGEST = sa.text(
    " UNION ALL ".join(
        f"SELECT '{table.name}', md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table.name} t"
        for table in TENANT_TABLES
    )
)

# In one order everywhere: the workers of xdist compare.
CALLS = sorted(_calls(), key=lambda call: (call.path, call.method))
V1 = sorted((call for call in CALLS if call.path.startswith("/v1")), key=lambda call: call.name)
every_v1_route = pytest.mark.parametrize("call", V1, ids=lambda call: call.name)


def test_every_route_has_a_guard_or_says_public_aloud() -> None:
    silent = [
        call.name
        for call in CALLS
        if call.scope is None and not call.handler.opt.get(PUBLIC) and not call.path.startswith("/schema")
    ]
    assert silent == [], f'give these guards=[RequireScope("…")] or opt={{PUBLIC: "why"}}: {silent}'


def test_no_route_under_v1_is_public_and_every_scope_exists() -> None:
    assert V1
    assert [call.name for call in V1 if call.scope not in keys.SCOPES] == []


def test_a_route_that_changes_something_never_asks_for_a_reading_scope() -> None:
    assert [call.name for call in V1 if call.method != "GET" and (call.scope or "").endswith(":read")] == []
    # Requests about personal data have one scope: whoever may read them must act on them.
    reading = [call for call in V1 if call.method == "GET" and call.scope != "privacy:write"]
    assert [call.name for call in reading if not (call.scope or "").endswith(":read")] == []


@pytest.fixture(scope="module")
async def api(settings: Settings) -> AsyncIterator[House]:
    """The API, with a dossier of theirs in it."""
    async with open_house(settings, worker=False) as house:
        await their_things(house)
        yield house


async def their_things(house: House) -> None:
    """What PATH_PARAMETERS name, made where it is missing."""
    await house.put_dossier(THEIRS, CODE, **DOSSIER)
    await things(house, THEIRS)


async def things(house: House, slug: str) -> None:
    """Whatever else PATH_PARAMETERS name, of any province, made where it is missing."""
    tenant_id = house.registry.by_slug(slug).id
    vault = await house.registry.tenant_vault(tenant_id)
    async with house.registry.db.tenant(tenant_id) as session:
        if await session.get(CallbackEndpointRow, (tenant_id, CALLBACK)) is None:
            sealed = vault.seal(sign.new_secret().encode(), secret_context(CALLBACK))
            session.add(
                CallbackEndpointRow(
                    tenant_id=tenant_id, id=CALLBACK, url="https://motcua.example/theirs", kinds=[], description="",
                    timeout_s=10, secret_sealed=sealed,
                )
            )  # fmt: skip
        if await session.get(OutboxMessageRow, (tenant_id, MESSAGE)) is None:
            sent = {"state": "sent", "finished_at": clock.now(), "zalo_message_id": "said"}
            await make(session, BY_NAME["outbox_messages"], tenant_id, id=MESSAGE, **sent)
        dossier_id = await session.scalar(sa.text("SELECT id FROM dossiers WHERE code = :code"), {"code": CODE})
        wanted: list[tuple[str, UUID, dict[str, Any]]] = [
            ("petitions", PETITION, {"code": PETITION_CODE}),
            ("privacy_requests", REQUEST, {}),
        ]
        if dossier_id is not None:
            wanted.append(("ratings", RATING, {"dossier_id": dossier_id}))
        for table, row_id, given in wanted:
            columns = BY_NAME[table].c
            known = sa.select(columns.id).where(columns.tenant_id == tenant_id, columns.id == row_id)
            if await session.scalar(known) is None:
                await make(session, BY_NAME[table], tenant_id, id=row_id, **given)
        # A campaign that runs: every act on it is allowed, and repeated ones do no harm.
        citizen = await know(session, tenant_id, "tester", by_app=None, interacted_at=clock.now())
        if "tester" not in {each.zalo_user_id for each in await testers.testers(session, tenant_id)}:
            await testers.add(session, tenant_id, "tester", actor="test")
        row = await session.get(CampaignRow, (tenant_id, CAMPAIGN))
        if row is None:
            row = CampaignRow(
                tenant_id=tenant_id, id=CAMPAIGN, name=SECRETS[3], class_="announcement", audience={"all_followers": True},
                message_sealed=vault.seal(b'{"text":"Tin"}', message_context(CAMPAIGN)), max_cost=0, test=False, created_by="test",
                created_at=clock.now(), state="running",
            )  # fmt: skip
            session.add(row)
        row.state, row.paused_from = "running", None
        assert citizen.id


async def digest(house: House, slug: str) -> dict[str, str]:
    """Everything a province has, by table."""
    async with house.registry.db.tenant(house.registry.by_slug(slug).id) as session:
        return {row[0]: row[1] for row in await session.execute(DIGEST)}


async def send(house: House, call: Call, authorization: str | None) -> tuple[int, str]:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with house.http.request(call.method, house.url + call.url(), headers=headers, **call.given()) as answer:
        return answer.status, await answer.text(errors="replace")


@every_v1_route
@pytest.mark.parametrize("test", [False, True], ids=["live key", "test key"])
async def test_a_key_shows_and_changes_nothing_of_another_province(api: House, call: Call, test: bool) -> None:
    before = await digest(api, THEIRS)
    status, text = await send(api, call, f"Bearer {await _key(api, OURS, keys.SCOPES, test=test)}")
    assert status not in (400, 401, 403, 405, 415), text
    assert status < 500, text
    for secret in SECRETS:
        assert secret not in text
    assert await digest(api, THEIRS) == before


@every_v1_route
async def test_a_test_key_works_like_a_live_one_on_the_provinces_own_things(api: House, call: Call) -> None:
    answers = [
        (await send(api, call, f"Bearer {await _key(api, THEIRS, keys.SCOPES, test=test)}"))[0]
        for test in (False, True)
    ]
    if call.elsewhere:
        assert all(answer < 300 or answer in (404, 409) for answer in answers)
    else:
        assert answers[0] == answers[1]
        assert answers[0] < 300
    await their_things(api)


@every_v1_route
async def test_a_key_without_the_scope_is_refused_and_told_which(api: House, call: Call) -> None:
    others = tuple(scope for scope in keys.SCOPES if scope != call.scope)
    before = await digest(api, OURS)
    status, text = await send(api, call, f"Bearer {await _key(api, OURS, others)}")
    assert status == 403
    assert f'"{call.scope}"' in text
    after = await digest(api, OURS)
    assert {name for name in before if before[name] != after[name]} <= {"api_keys"}


@every_v1_route
async def test_without_a_key_nothing_is_answered(api: House, call: Call) -> None:
    status, text = await send(api, call, None)
    assert (status, '"code":"unauthenticated"' in text) == (401, True)


@every_v1_route
async def test_garbage_for_a_key_is_refused(api: House, call: Call) -> None:
    ours = await _key(api, OURS, keys.SCOPES)
    theirs = api.registry.by_slug(THEIRS).key_tag
    revoked = await _key(api, OURS, keys.SCOPES)
    async with api.registry.db.tenant(api.registry.by_slug(OURS).id) as session:
        await session.execute(
            update(ApiKeyRow).where(ApiKeyRow.key_hash == keys.hash_of(revoked)).values(revoked_at=sa.func.now())
        )
    tag = api.registry.by_slug(OURS).key_tag
    garbage = [
        "", "Bearer", "Bearer ", "Bearer x", f"Basic {ours}", ours, f"Bearer {ours} {ours}",
        f"Bearer {ours[:-1]}", f"Bearer {ours}x", f"Bearer {ours.replace(tag, theirs)}",
        f"Bearer {ours.replace('gvc_live_', 'gvc_test_')}", f"Bearer {ours.swapcase()}", f"Bearer {revoked}",
        f"Bearer gvc_live_{theirs}{'A' * 32}", "Bearer gvc_live_" + "é" * 40, f"Bearer {'k' * 4000}",
        "Bearer gvc_live_' OR 1=1 --aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ]  # fmt: skip
    # Every route is behind one door: all of it at the first, the likeliest mistakes at each.
    for value in garbage if call is V1[0] else ("", f"Bearer {revoked}", f"Bearer {ours.replace(tag, theirs)}"):
        status, text = await send(api, call, value)
        assert (status, '"code":"unauthenticated"' in text) == (401, True), value
    assert (await send(api, call, f"bearer  {ours}"))[0] != 401, "the scheme's case and a second blank do not matter"


async def _key(house: House, slug: str, scopes: tuple[str, ...], *, test: bool = False) -> str:
    tenant = house.registry.by_slug(slug)
    async with house.registry.db.tenant(tenant.id) as session:
        made = await keys.create(session, tenant_id=tenant.id, slug=slug, tag=tenant.key_tag, scopes=scopes, test=test)
    return made.key
