"""Messages an OA sends over openapi.zalo.me: consultation (`cs`), template by UID, and the refusal of everything older.

The one hot path of the simulator: a load test drives thousands of these a second.
"""

from collections.abc import Mapping
from typing import Any

from govchat.simulator import articles, events, templates
from govchat.simulator.calls import Call
from govchat.simulator.checks import Spoken, json_object, known, spoken, text_of
from govchat.simulator.people import DAY, Message, Person
from govchat.simulator.quotas import is_night
from govchat.simulator.refusals import Refusal

FREE_SECONDS = 2 * DAY


def consult(call: Call) -> dict[str, Any]:
    """`POST /v3.0/oa/message/cs`."""
    world, oa, now = call.world, call.oa, call.now

    def asset(upload_id: str, kinds: tuple[str, ...], where: str) -> None:
        world.uploads.usable(oa.oa_id, upload_id, kinds, now, where)

    said = spoken(call.body, asset, world.options.list_template)
    call.user_id = said.user_id
    person = world.reachable(oa.oa_id, said.user_id, "recipient.user_id")
    world.window_open(person, now)
    if said.quote and all(message.id != said.quote for message in person.messages):
        raise Refusal(-201, "message.quote_message_id is not a message of this conversation")
    message = Message(
        world.message_id(), oa.oa_id, person.user_id, True, said.kind, said.text, call.at, _drawn(call, said)
    )
    deliver(call, person, message)
    return {
        "message_id": message.id,
        "user_id": person.user_id,
        "sent_time": str(call.at),
        "quota": _charge(call, person),
    }


def template(call: Call) -> dict[str, Any]:
    """`POST /v3.0/oa/message/template`: an approved template to a user id. No tracking_id exists on this call."""
    world, oa, now = call.world, call.oa, call.now
    given = json_object(call.body)
    known(given, frozenset({"user_id", "template_id", "template_data"}), "")
    call.user_id = text_of(given, "user_id", "", 100)
    person = world.reachable(oa.oa_id, call.user_id, "user_id")
    found = world.template(oa.oa_id, text_of(given, "template_id", "", 20))
    if found is None or found.status != templates.ENABLE:
        raise Refusal(-201, "template_id is not an approved template of this Official Account")
    if not found.by_uid:
        raise Refusal(-249)
    try:
        data = templates.checked(found, given.get("template_data"))
    except Refusal as refusal:
        raise Refusal(-201, refusal.detail or "template_data is empty") from refusal
    if found.tag == 3:
        if is_night(now):
            raise Refusal(-234)
        world.quotas.take_promotion(oa.oa_id, person.user_id, now, -218)
    world.quotas.take_template(oa.oa_id, found.id, found.quota, now, -211)
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
    deliver(call, person, message)
    quota = {"quota_type": "purchase_quota", "remain": "0", "total": "0", "owner_type": "OA", "owner_id": oa.oa_id}
    return {"message_id": message.id, "user_id": person.user_id, "sent_time": str(call.at), "quota": quota}


def old_message(call: Call) -> dict[str, Any]:
    """`POST /v2.0/oa/message`: shut down for messages to users (-240); broadcasts of articles and reactions still live here."""
    given = json_object(call.body)
    recipient = given.get("recipient")
    if not isinstance(recipient, dict):
        raise Refusal(-201, "recipient is missing")
    action = given.get("sender_action")
    if not isinstance(action, dict):
        if "target" in recipient:
            return articles.broadcast(call, given)
        if "anonymous_id" in recipient:
            raise Refusal(-212, "anonymous chats are not part of this simulator")
        raise Refusal(-240)
    known(action, frozenset({"react_icon", "react_message_id"}), "sender_action.")
    call.user_id = text_of(recipient, "user_id", "recipient.", 100)
    person = call.world.reachable(call.oa.oa_id, call.user_id, "recipient.user_id")
    icon = text_of(action, "react_icon", "sender_action.", 40)
    reacted_to = text_of(action, "react_message_id", "sender_action.", 200)
    if all(message.id != reacted_to for message in person.messages):
        raise Refusal(-201, "sender_action.react_message_id is not a message of this conversation")
    call.world.publish(call.oa.oa_id, person.user_id, "reaction", {"id": reacted_to, "icon": icon})
    return {"message_id": call.world.message_id(), "user_id": person.user_id}


def stopped(_call: Call) -> None:
    """`/v3.0/oa/message/transaction` and `/promotion`: stopped on 2026-03-01."""
    raise Refusal(-233, "stopped on 2026-03-01, send an approved template by user id")


def retired(_call: Call) -> None:
    """v2.0 getprofile, getfollowers, updatefollowerinfo: ended on 2024-06-01."""
    raise Refusal(-209, "ended on 2024-06-01, use v3.0/oa/user")


def deliver(call: Call, person: Person, message: Message) -> None:
    """Put the bubble on the phone, count it, and tell the app: echo and receipt."""
    world, oa, options = call.world, call.oa, call.world.options
    world.record(person, message)
    world.stats.said(oa.oa_id, person.user_id, message.kind, message.text)
    if person.asked_at is not None:
        world.stats.reply_ms.append((call.now - person.asked_at) * 1000)
        person.asked_at = None
    if not world.app_by_id[oa.app_id].webhook_url:
        return
    if options.echo:
        call.courier.post(oa, person.user_id, events.said_by_oa(oa, person, message))
    if options.receipts:
        call.courier.post(oa, person.user_id, events.received(oa, person, message.id, call.at))


def _drawn(call: Call, said: Spoken) -> Mapping[str, Any] | None:
    """The payload with what the phone needs to draw it: addresses instead of upload ids, names of files, the quoted id."""
    payload = said.payload
    upload_id = str((payload or {}).get("attachment_id") or (payload or {}).get("token") or "")
    upload = call.world.uploads.kept.get(upload_id)
    if payload is not None and upload is not None:
        payload = {
            **payload,
            "url": f"{call.request.url.origin()}/_files/{upload.id}",
            "name": upload.name,
            "size": upload.size,
        }
    if said.quote:
        payload = {**(payload or {}), "quote": said.quote}
    return payload


def _charge(call: Call, person: Person) -> dict[str, str]:
    """Free within 48 hours of the last interaction; later it is billed against the package."""
    owner = {"owner_type": "OA", "owner_id": call.oa.oa_id}
    if person.last_interaction is not None and call.now - person.last_interaction <= FREE_SECONDS:
        return {"quota_type": "reply", "remain": "8", "total": "8", **owner}
    quotas = call.world.quotas
    left = quotas.bill(call.oa.oa_id, call.now)
    call.world.stats.billed += 1
    kind = "sub_quota" if left >= 0 else "purchase_quota"
    return {"quota_type": kind, "remain": str(max(0, left)), "total": str(quotas.included), **owner}
