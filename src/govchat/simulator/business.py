"""business.openapi.zalo.me: template messages to phone numbers (ZBS, once ZNS), their status, quota and templates.

Certain phone numbers always refuse, so that every path can be tried: see `MAGIC`.
"""

import hashlib
import re
from typing import Any

from govchat.simulator import events, templates
from govchat.simulator.calls import Call
from govchat.simulator.checks import json_object
from govchat.simulator.people import Message, Person
from govchat.simulator.quotas import is_night
from govchat.simulator.refusals import Refusal

# The last four digits of a phone decide: no Zalo, old Zalo, cannot receive, refuses this type, not eligible, refuses the OA.
MAGIC = {"0000": -118, "0001": -110, "0002": -114, "0003": -139, "0004": -140, "0005": -141}
NEVER_DELIVERED = "0009"

_PHONE = re.compile(r"\+?84[35789]\d{8}")
_HASH = re.compile(r"[0-9a-f]{64}")
_SEND = frozenset({"phone", "template_id", "template_data", "tracking_id", "mode", "sending_mode"})
_SEND_HASH = (_SEND - {"phone"}) | {"hash_phone"}


def send(call: Call) -> dict[str, Any]:
    """`POST /message/template`."""
    given = _body(call, _SEND)
    phone = given.get("phone")
    if not isinstance(phone, str) or not _PHONE.fullmatch(phone):
        raise Refusal(-108, "phone must be 84 and nine digits")
    phone = phone.removeprefix("+")
    if phone[-4:] in MAGIC:
        raise Refusal(MAGIC[phone[-4:]])
    return _sent(call, given, phone, phone)


def send_hashed(call: Call) -> dict[str, Any]:
    """`POST /message/template/hashphone`: SHA-256 hex of `84…`. Whose phone it is, is found among the test citizens only."""
    given = _body(call, _SEND_HASH)
    digest = given.get("hash_phone")
    if not isinstance(digest, str) or not _HASH.fullmatch(digest):
        raise Refusal(-108, "hash_phone must be the SHA-256 of the phone, in lower-case hex")
    phones = {hashlib.sha256(citizen.phone.encode()).hexdigest(): citizen.phone for citizen in call.world.citizens}
    if digest not in phones:
        raise Refusal(-118)
    return _sent(call, given, phones[digest], digest)


def _body(call: Call, allowed: frozenset[str]) -> dict[str, Any]:
    if not call.body:
        raise Refusal(-121)
    given = json_object(call.body, -122)
    for name in given:
        if name not in allowed:
            raise Refusal(-132, f"{name} is not a field of this message")
    return given


def _sent(call: Call, given: dict[str, Any], phone: str, recipient: str) -> dict[str, Any]:
    world, oa, now = call.world, call.oa, call.now
    found = world.template(oa.oa_id, str(given.get("template_id")))
    if found is None or not isinstance(given["template_id"], str):
        raise Refusal(-109, "template_id is none of this Official Account's")
    tracking_id = given.get("tracking_id")
    if not isinstance(tracking_id, str) or not 1 <= len(tracking_id) <= 48:
        raise Refusal(-132, "tracking_id must be a string of 1 to 48 characters")
    development = _mode(given, phone, found, world.admin_phones)
    sending_mode = given.get("sending_mode", "1")
    if sending_mode not in ("1", "3"):
        raise Refusal(-161)
    if sending_mode == "3":
        raise Refusal(-162 if found.tag in (1, 2) else -120)
    data = templates.checked(found, given.get("template_data"))
    if not found.at_night and is_night(now):
        raise Refusal(-133)
    if found.tag == 3:
        world.quotas.take_promotion(oa.oa_id, phone, now, -1472)
    person = _behind(call, phone)
    if person.blocked or person.banned:
        raise Refusal(-141 if person.blocked else -119)
    if not development:
        world.quotas.check_zbs(oa.oa_id, now)
        world.quotas.take_template(oa.oa_id, found.id, found.quota, now, -147)
    left = world.quotas.zbs_left(oa.oa_id, now) if development else world.quotas.take_zbs(oa.oa_id, now)
    call.user_id = person.user_id
    message = Message(
        world.message_id(),
        oa.oa_id,
        person.user_id,
        True,
        "template",
        found.filled(data),
        call.at,
        {"template_id": found.id},
    )
    world.record(person, message)
    world.stats.said(oa.oa_id, person.user_id, "zbs", f"{tracking_id} {message.text}")
    delivered = not phone.endswith(NEVER_DELIVERED)
    world.remember_zbs(message.id, {"oa_id": oa.oa_id, "delivered": delivered, "at": call.at})
    if delivered and world.options.receipts:
        receipt = events.received_by_phone(oa, recipient, message.id, tracking_id, call.at)
        call.courier.post(oa, person.user_id, receipt, server="ZNS")
    quota = {"dailyQuota": str(world.quotas.zbs_daily), "remainingQuota": str(left)}
    return {"msg_id": message.id, "sent_time": str(call.at), "sending_mode": sending_mode, "quota": quota}


def _mode(given: dict[str, Any], phone: str, found: templates.Template, admins: frozenset[str]) -> bool:
    """Whether this is a free development send. Raises `Refusal` -127, -131, -146."""
    mode = given.get("mode")
    if mode not in (None, "development"):
        raise Refusal(-132, f"mode {mode!r} is invalid, leave it out or say development")
    if mode == "development" and phone not in admins:
        raise Refusal(-127)
    if found.status == templates.DISABLE:
        raise Refusal(-146)
    if found.status != templates.ENABLE and mode is None:
        raise Refusal(-131)
    return mode is not None


def _behind(call: Call, phone: str) -> Person:
    """The person whose phone rings: a test citizen as this OA knows them, or somebody known by the phone alone."""
    for citizen in call.world.citizens:
        if citizen.phone == phone:
            return call.world.person(call.oa.oa_id, call.world.user_id_of(call.oa.oa_id, citizen.key))
    return call.world.person(call.oa.oa_id, phone)


def status(call: Call) -> dict[str, Any]:
    """`GET /message/status`: -1 no such message, 0 not delivered, 1 on the phone."""
    sent = call.world.zbs_sent.get(call.request.query.get("message_id", ""))
    if sent is None or sent["oa_id"] != call.oa.oa_id:
        return {"status": -1, "delivery_time": "", "message": "No such message"}
    if not sent["delivered"]:
        return {"status": 0, "delivery_time": "", "message": "Not delivered"}
    return {"status": 1, "delivery_time": str(sent["at"]), "message": "Delivered"}


def quota(call: Call) -> dict[str, Any]:
    """`GET /message/quota`."""
    quotas = call.world.quotas
    return {
        "dailyQuota": quotas.zbs_daily,
        "remainingQuota": quotas.zbs_left(call.oa.oa_id, call.now),
        "monthlyPromotionQuota": 1000,
        "remainingMonthlyPromotionQuota": 1000,
        "estimatedNextMonthPromotionQuota": 1000,
    }


def template_list(call: Call) -> list[dict[str, Any]]:
    """`GET /template/all?offset=&limit=&status=`: limit ≤ 100."""
    query = call.request.query
    try:
        offset, limit = int(query["offset"]), int(query["limit"])
        wanted = int(query["status"]) if "status" in query else None
        preset = int(query.get("filterPreset", "0"))
    except (KeyError, ValueError) as error:
        raise Refusal(
            -132, "offset and limit must be numbers, and so must status and filterPreset when given"
        ) from error
    if offset < 0 or not 1 <= limit <= 100 or wanted not in (None, 1, 2, 3, 4) or preset not in (0, 1):
        raise Refusal(-132, "offset ≥ 0, limit 1 to 100, status 1 to 4, filterPreset 0 or 1")
    found = [template.listed() for template in call.world.templates(call.oa.oa_id) if wanted in (None, template.status)]
    return found[offset : offset + limit]


def _asked(call: Call) -> templates.Template:
    found = call.world.template(call.oa.oa_id, call.request.query.get("template_id", ""))
    if found is None:
        raise Refusal(-109)
    return found


def template_info(call: Call) -> dict[str, Any]:
    """`GET /template/info/v2?template_id=`."""
    return _asked(call).detailed()


def template_sample(call: Call) -> dict[str, Any]:
    """`GET /template/sample-data?template_id=`."""
    return {name: "01/12/2026" if kind == "DATE" else f"mẫu {name}" for name, kind in _asked(call).params}


def template_tags(_call: Call) -> list[str]:
    """`GET /message/template-tag`."""
    return ["IN_TRANSACTION", "POST_TRANSACTION"]


def quality(_call: Call) -> dict[str, str]:
    """`GET /quality`."""
    return {"oaCurrentQuality": "HIGH", "oa7dayQuality": "HIGH"}
