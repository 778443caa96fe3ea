"""Template messages: by phone with the rules of ZBS, by user id with those of the OA API."""

import hashlib
from datetime import datetime, timedelta

import pytest

from govchat.kit import clock

PHONE = "84912345678"
GOOD = {
    "phone": PHONE,
    "template_id": "310002",
    "template_data": {"ho_ten": "Lò Thị Mai", "ma_ho_so": "H01.01-261103-0007", "trang_thai": "Đã có kết quả"},
    "tracking_id": "t1",
}


def at_hour(hour: int):
    """The clock moved to this hour of today in Vietnam."""
    now = datetime.now(clock.VN)
    return clock.shifted(now.replace(hour=hour, minute=30, second=0, microsecond=0) - now)


async def test_a_template_reaches_the_phone_and_tells_so(zalo, receiver):
    answer = await zalo.post("/message/template", GOOD)
    assert answer["error"] == 0, answer
    message_id = answer["data"]["msg_id"]
    await receiver.wait(1)
    headers, _ = receiver.got[0]
    event = receiver.events[0]
    assert headers["X-ZEvent-Server"] == "ZNS"
    assert event["recipient"] == {"id": PHONE}
    assert (event["message"]["msg_id"], event["message"]["tracking_id"]) == (message_id, "t1")
    assert (await zalo.get("/message/status", message_id=message_id))["data"]["status"] == 1
    assert (await zalo.get("/message/status", message_id="other"))["data"]["status"] == -1
    hien = zalo.sim.world.user_id_of("1001", "hien")
    assert "Đã có kết quả" in zalo.sim.world.messages("1001", hien)[0].text, "the citizen with this phone sees it"


DATA = GOOD["template_data"]
REFUSED = {
    "phone with zero": ({"phone": "0912345678"}, -108),
    "phone too short": ({"phone": "8491234"}, -108),
    "no zalo": ({"phone": "84912340000"}, -118),
    "old zalo": ({"phone": "84912340001"}, -110),
    "refused the OA": ({"phone": "84912340005"}, -141),
    "unknown template": ({"template_id": "1"}, -109),
    "template id as number": ({"template_id": 310002}, -109),
    "waiting for review": ({"template_id": "310005", "template_data": {"ma_ho_so": "a"}}, -131),
    "disabled": ({"template_id": "310007", "template_data": {"ma_ho_so": "a"}}, -146),
    "no data": ({"template_data": {}}, -111),
    "missing parameter": ({"template_data": {"ho_ten": "a"}}, -1122),
    "too long": ({"template_data": {**DATA, "ho_ten": "x" * 31}}, -1121),
    "number": ({"template_data": {**DATA, "ho_ten": 5}}, -1124),
    "unknown parameter": ({"template_data": {**DATA, "x": "y"}}, -132),
    "tracking id too long": ({"tracking_id": "x" * 49}, -132),
    "no tracking id": ({"tracking_id": None}, -132),
    "unknown field": ({"campaign_id": "x"}, -132),
    "development to a citizen": ({"mode": "development"}, -127),
    "unknown mode": ({"mode": "production"}, -132),
    "unknown sending mode": ({"sending_mode": "2"}, -161),
    "beyond quota": ({"sending_mode": "3"}, -162),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_template_against_the_rules_is_refused(zalo, name):
    change, code = REFUSED[name]
    answer = await zalo.post("/message/template", {**GOOD, **change})
    assert answer["error"] == code, answer


async def test_the_business_host_has_its_own_words_for_bad_calls(zalo):
    assert (await zalo.post("/message/template", GOOD, token="nonsense"))["error"] == -124
    assert (await zalo.post("/message/template", b"{"))["error"] == -122
    assert (await zalo.post("/message/template", b""))["error"] == -121
    assert (await zalo.post("/message/template", GOOD, appsecret_proof="0"))["error"] == -1241


async def test_development_sends_are_for_administrators_and_free(zalo):
    before = (await zalo.get("/message/quota"))["data"]["remainingQuota"]
    assert (await zalo.post("/message/template", {**GOOD, "phone": "84900000111", "mode": "development"}))["error"] == 0
    assert (await zalo.get("/message/quota"))["data"]["remainingQuota"] == before


async def test_the_daily_quota_ends_and_begins_anew(zalo):
    await zalo.control("POST", "limits", {"zbs_daily": 2})
    codes = [(await zalo.post("/message/template", GOOD))["error"] for _ in range(3)]
    assert codes == [0, 0, -144]
    with clock.shifted(timedelta(hours=24)):
        assert (await zalo.post("/message/template", GOOD))["error"] == 0


async def test_a_hashed_phone_is_found(zalo, receiver):
    digest = hashlib.sha256(PHONE.encode()).hexdigest()
    body = {name: value for name, value in GOOD.items() if name != "phone"}
    assert (await zalo.post("/message/template/hashphone", {**body, "hash_phone": digest}))["error"] == 0
    await receiver.wait(1)
    assert receiver.events[0]["recipient"] == {"id": digest}
    assert (await zalo.post("/message/template/hashphone", {**body, "hash_phone": "0" * 64}))["error"] == -118


async def test_templates_are_listed_and_described(zalo):
    listed = (await zalo.get("/template/all", offset="0", limit="100"))["data"]
    assert {one["status"] for one in listed} == {"ENABLE", "PENDING_REVIEW", "DISABLE"}
    assert len((await zalo.get("/template/all", offset="0", limit="100", status="2"))["data"]) == 1
    assert (await zalo.get("/template/all", offset="0", limit="101"))["error"] == -132
    info = (await zalo.get("/template/info/v2", template_id="310001"))["data"]
    assert info["listParams"][0] == {
        "name": "ho_ten",
        "require": True,
        "type": "NAME",
        "maxLength": 30,
        "minLength": 1,
        "acceptNull": False,
    }
    assert (await zalo.get("/template/info/v2", template_id="1"))["error"] == -109
    assert set((await zalo.get("/template/sample-data", template_id="310001"))["data"]) == {
        "ho_ten",
        "ma_ho_so",
        "don_vi",
        "ngay_hen",
    }


UID = {"user_id": "u1", "template_id": "310002", "template_data": DATA}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, 0),
        ({"tracking_id": "x"}, -201),
        ({"recipient": {"user_id": "u1"}}, -201),
        ({"template_id": "310004"}, -249),
        ({"template_id": "310005"}, -201),
        ({"template_data": {**DATA, "ho_ten": "x" * 31}}, -201),
        ({"user_id": "stranger"}, -201),
    ],
)
async def test_a_template_by_user_id_has_the_codes_of_the_oa_api(zalo, change, code):
    answer = await zalo.post("/v3.0/oa/message/template", {**UID, **change})
    assert answer["error"] == code, answer


async def test_a_template_by_user_id_needs_no_window(zalo):
    zalo.sim.world.person("1001", "u1").last_interaction = None
    assert (await zalo.cs({"text": "a"}))["error"] == -232
    assert (await zalo.post("/v3.0/oa/message/template", UID))["error"] == 0


async def test_promotions_keep_the_night_and_come_once_a_day(zalo):
    promotion = {"user_id": "u1", "template_id": "310006", "template_data": {"ho_ten": "Mai"}}
    by_phone = {**GOOD, "template_id": "310006", "template_data": {"ho_ten": "Mai"}}
    night_only = {**GOOD, "template_id": "310003", "template_data": {"ho_ten": "a", "ma_ho_so": "b", "dia_chi": "c"}}
    with at_hour(2):
        zalo.sim.world.tokens.reset("1001")
        zalo.token = zalo.tokens("1001")
        assert (await zalo.post("/v3.0/oa/message/template", promotion))["error"] == -234
        assert (await zalo.post("/message/template", night_only))["error"] == -133
    with at_hour(10):
        zalo.sim.world.tokens.reset("1001")
        zalo.token = zalo.tokens("1001")
        assert (await zalo.post("/v3.0/oa/message/template", promotion))["error"] == 0
        assert (await zalo.post("/v3.0/oa/message/template", promotion))["error"] == -218
        assert (await zalo.post("/message/template", by_phone))["error"] == 0
        assert (await zalo.post("/message/template", by_phone))["error"] == -1472
        assert (await zalo.post("/message/template", night_only))["error"] == 0


async def test_a_template_keeps_to_the_quota_of_its_day_by_phone_and_by_user_id_together(zalo):
    with at_hour(10):
        await zalo.control("POST", "templates/1001/310002", {"quota": 2})
        by_uid = {"user_id": "u1", "template_id": "310002", "template_data": DATA}
        assert (await zalo.post("/message/template", GOOD))["error"] == 0
        assert (await zalo.post("/v3.0/oa/message/template", by_uid))["error"] == 0
        assert (await zalo.post("/message/template", GOOD))["error"] == -147
        assert (await zalo.post("/v3.0/oa/message/template", by_uid))["error"] == -211
        with clock.shifted(timedelta(days=1)):
            zalo.token = zalo.tokens("1001")
            assert (await zalo.post("/message/template", GOOD))["error"] == 0
