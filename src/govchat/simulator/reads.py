"""Calls of openapi.zalo.me that read or note something: users, conversations, the OA itself, tags, quota, uploads.

GETs take one query parameter `data` holding JSON, as on the platform.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import BodyPartReader

from govchat.simulator.calls import Call
from govchat.simulator.checks import json_object, known, text_of
from govchat.simulator.people import Message, Person
from govchat.simulator.quotas import local
from govchat.simulator.refusals import Refusal
from govchat.simulator.sends import FREE_SECONDS

READ_MAX = 8 * 1024 * 1024


def _query(call: Call, *allowed: str) -> dict[str, Any]:
    raw = call.request.query.get("data")
    if raw is None:
        raise Refusal(-201, "query parameter data is missing")
    given = json_object(raw.encode())
    known(given, frozenset(allowed), "data.")
    return given


def _number(given: dict[str, Any], name: str, low: int, high: int) -> int:
    value = given.get(name)
    if type(value) is not int:
        raise Refusal(-201, f"data.{name} must be a number")
    if not low <= value <= high:
        raise Refusal(-210, f"data.{name} must be {low} to {high}")
    return value


def user_detail(call: Call) -> dict[str, Any]:
    """`GET /v3.0/oa/user/detail`. Who never followed nor chatted is refused (-213)."""
    user_id = text_of(_query(call, "user_id"), "user_id", "data.", 100)
    person = call.world.find(call.oa.oa_id, user_id)
    if person is None:
        raise Refusal(-201, "user_id is invalid")
    if not person.follows and person.last_interaction is None:
        raise Refusal(-213)
    found: dict[str, Any] = {
        "user_id": person.user_id,
        "user_id_by_app": person.by_app,
        "user_external_id": "",
        "display_name": person.display_name,
        "user_alias": person.alias,
        "is_sensitive": False,
        "user_last_interaction_date": _date(person),
        "user_is_follower": person.follows,
        "dynamic_param": "",
        "tags_and_notes_info": {"tag_names": person.tags, "notes": [person.notes] if person.notes else []},
    }
    if person.follows:  # others have limited profiles
        avatar = f"{call.request.url.origin()}/static/avatar.svg"
        found |= {"avatar": avatar, "avatars": {"120": avatar, "240": avatar}, "shared_info": person.shared}
    return found


def _date(person: Person) -> str:
    return local(person.last_interaction).strftime("%d/%m/%Y") if person.last_interaction is not None else ""


def user_list(call: Call) -> dict[str, Any]:
    """`GET /v3.0/oa/user/getlist`: count ≤ 50, offset ≤ 9951."""
    given = _query(call, "offset", "count", "tag_name", "last_interaction_period", "is_follower")
    offset, count = _number(given, "offset", 0, 9951), _number(given, "count", 1, 50)
    wanted = _period(call, given.get("last_interaction_period"))
    tag, follower = given.get("tag_name"), given.get("is_follower")
    if follower is not None and str(follower).lower() not in ("true", "false"):
        raise Refusal(-201, "data.is_follower must be true or false")
    call.world.be_born(call.oa.oa_id, offset + count)
    people = [
        person
        for person in call.world.people[call.oa.oa_id].values()
        if (person.follows or person.last_interaction is not None)
        and (not tag or tag in person.tags)
        and (follower is None or person.follows == (str(follower).lower() == "true"))
        and wanted(person)
    ]
    total = len(people)
    if not tag and given.get("last_interaction_period") is None and follower is None:
        total = max(total, call.world.followers(call.oa.oa_id))
    return {
        "total": total,
        "offset": offset,
        "count": count,
        "users": [{"user_id": person.user_id} for person in people[offset : offset + count]],
    }


def _period(call: Call, period: Any) -> Callable[[Person], bool]:
    today = local(call.now).date()
    if period is None:
        return lambda _person: True
    spans = {"TODAY": (0, 0), "YESTERDAY": (1, 1), "L7D": (7, 0), "L30D": (30, 0)}
    if period in spans:
        first, last = (today - timedelta(days=days) for days in spans[period])
    else:
        try:
            # day-first dates, as everywhere on this API
            first, last = (datetime.strptime(day, "%Y_%m_%d").date() for day in str(period).split(":"))  # noqa: DTZ007
        except ValueError as error:
            raise Refusal(-201, f"data.last_interaction_period {period!r} is invalid") from error

    def within(person: Person) -> bool:
        return person.last_interaction is not None and first <= local(person.last_interaction).date() <= last

    return within


def user_update(call: Call) -> dict[str, Any]:
    """`POST /v3.0/oa/user/update`: alias, notes, shared_info."""
    given = json_object(call.body)
    known(given, frozenset({"user_id", "alias", "notes", "shared_info"}), "")
    call.user_id = text_of(given, "user_id", "", 100)
    person = call.world.reachable(call.oa.oa_id, call.user_id, "user_id")
    shared = given.get("shared_info") or {}
    if not isinstance(shared, dict) or not all(isinstance(value, str) for value in shared.values()):
        raise Refusal(-201, "shared_info must be an object of strings")
    person.alias = text_of(given, "alias", "", 200, required=False) or person.alias
    person.notes = text_of(given, "notes", "", 500, required=False) or person.notes
    person.shared = {**person.shared, **shared}
    return {}


def recent_chats(call: Call) -> list[dict[str, Any]]:
    """`GET /v2.0/oa/listrecentchat`: the newest message of each conversation."""
    given = _query(call, "offset", "count")
    offset, count = _number(given, "offset", 0, 10_000), _number(given, "count", 1, 10)
    people = [person for person in call.world.people[call.oa.oa_id].values() if person.messages]
    people.sort(key=lambda person: person.messages[-1].at, reverse=True)
    return [_told(call, person, person.messages[-1]) for person in people[offset : offset + count]]


def conversation(call: Call) -> list[dict[str, Any]]:
    """`GET /v2.0/oa/conversation`: newest first, ten a page."""
    given = _query(call, "user_id", "offset", "count")
    # Samples show the id both as a string and as a bare number here.
    person = call.world.find(call.oa.oa_id, str(given.get("user_id", "")))
    if person is None:
        raise Refusal(-201, "user_id is invalid")
    offset, count = _number(given, "offset", 0, 10_000), _number(given, "count", 1, 10)
    return [_told(call, person, message) for message in person.messages[::-1][offset : offset + count]]


def _told(call: Call, person: Person, message: Message) -> dict[str, Any]:
    oa = call.oa
    us, them = (oa.oa_id, oa.name), (person.user_id, person.display_name)
    (from_id, from_name), (to_id, to_name) = (us, them) if message.outgoing else (them, us)
    found = {
        "src": 0 if message.outgoing else 1,
        "time": message.at,
        "type": {"image": "photo"}.get(message.kind, message.kind),
        "message": message.text,
        "message_id": message.id,
        "from_id": from_id,
        "to_id": to_id,
        "from_display_name": from_name,
        "to_display_name": to_name,
    }
    payload = message.payload or {}
    if "url" in payload:
        found["url"] = payload["url"]
    if message.kind == "location":
        found["location"] = f'{{"latitude":{payload["latitude"]},"longitude":{payload["longitude"]}}}'
    return found


def official_account(call: Call) -> dict[str, Any]:
    """`GET /v2.0/oa/getoa`."""
    oa = call.oa
    return {
        "oaid": oa.oa_id,
        "name": oa.name,
        "description": f"Kênh chính thức của {oa.name}",
        "oa_type": oa.oa_type,
        "cate_name": "Cơ quan nhà nước",
        "num_follower": call.world.followers(oa.oa_id),
        "is_verified": True,
        "avatar": f"{call.request.url.origin()}/static/avatar.svg",
        "cover": "",
        "package_name": oa.package_name,
        "package_valid_through_date": "31/12/2027",
        "linked_ZCA": "ZBS-" + hashlib.sha256(oa.app_id.encode()).hexdigest()[:8],
    }


def tags(call: Call) -> list[str]:
    """`GET /v2.0/oa/tag/gettagsofoa`: a flat list."""
    return sorted({tag for person in call.world.people[call.oa.oa_id].values() for tag in person.tags})


def _tagged(call: Call) -> tuple[Person, str]:
    given = json_object(call.body)
    known(given, frozenset({"user_id", "tag_name"}), "")
    call.user_id = str(given.get("user_id", ""))  # samples show a bare number
    return call.world.reachable(call.oa.oa_id, call.user_id, "user_id"), text_of(given, "tag_name", "", 100)


def tag_follower(call: Call) -> dict[str, Any]:
    person, tag = _tagged(call)
    if tag not in person.tags:
        person.tags.append(tag)
    return {}


def untag_follower(call: Call) -> dict[str, Any]:
    person, tag = _tagged(call)
    if tag not in person.tags:
        raise Refusal(-201, "tag_name is not a tag of this user")
    person.tags.remove(tag)
    return {}


def remove_tag(call: Call) -> dict[str, Any]:
    given = json_object(call.body)
    known(given, frozenset({"tag_name"}), "")
    tag = text_of(given, "tag_name", "", 100)
    for person in call.world.people[call.oa.oa_id].values():
        if tag in person.tags:
            person.tags.remove(tag)
    return {}


def quota(call: Call) -> Any:
    """`POST /v3.0/oa/quota/message`: of a person (`user_id`), or of the OA or the app (`quota_owner`)."""
    given = json_object(call.body)
    if "quota_owner" in given:
        known(given, frozenset({"quota_owner", "product_type", "quota_type"}), "")
        if given["quota_owner"] not in ("OA", "APP"):
            raise Refusal(-201, "quota_owner must be OA or APP")
        included = str(call.world.quotas.included)
        return [{"product_type": "cs", "quota_type": "sub_quota", "total": included, "remain": included}]
    known(given, frozenset({"user_id"}), "")
    call.user_id = text_of(given, "user_id", "", 100)
    person = call.world.reachable(call.oa.oa_id, call.user_id, "user_id")
    last = person.last_interaction
    free = last is not None and call.now - last <= FREE_SECONDS
    return {
        "last_interaction": str(int(last * 1000)) if last is not None else "",
        "cs_reply": {"remain": 8 if free else 0, "total": 8},
        "promotion": {"remain": 1, "total": 1},
    }


async def upload(call: Call, kind: str) -> dict[str, Any]:
    """`POST /v2.0/oa/upload/{image,gif,file}`: multipart with one part `file`."""
    if not call.request.content_type.startswith("multipart/"):
        raise Refusal(-201, f"Content-Type {call.request.content_type} is not multipart/form-data")
    reader = await call.request.multipart()
    async for part in reader:
        if not isinstance(part, BodyPartReader) or part.name != "file":
            continue
        data = bytearray()
        while chunk := await part.read_chunk(65_536):
            data += chunk
            if len(data) > READ_MAX:
                raise Refusal(-210, f"file: more than {READ_MAX} bytes")
        kept = call.world.uploads.from_oa(call.oa.oa_id, kind, part.filename or "", bytes(data), call.now)
        call.world.dirty = True
        return {"token": kept.id} if kind == "file" else {"attachment_id": kept.id}
    raise Refusal(-201, "file is missing")
