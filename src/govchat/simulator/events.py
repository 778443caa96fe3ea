"""The bodies of webhooks, in the shapes of the fact sheet §2.5. Every id and timestamp is a string.

Each builder answers the event as a dict in the order Zalo writes it; `webhooks` turns it into bytes once and signs those.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from govchat.simulator.people import Message, Person
from govchat.simulator.world import OaConfig

Event = dict[str, Any]


def said_by_user(
    oa: OaConfig, person: Person, message: Message, attachments: Sequence[Mapping[str, Any]] = ()
) -> Event:
    """`user_send_text`, `user_send_image`, `user_send_location`, …: the kind of the message names the event."""
    body: Event = {"msg_id": message.id}
    if message.text:
        body["text"] = message.text
    if message.payload and message.payload.get("quote"):
        body["quote_msg_id"] = message.payload["quote"]
    if attachments:
        body["attachments"] = list(attachments)
    return {
        "app_id": oa.app_id,
        "user_id_by_app": person.by_app,
        "event_name": f"user_send_{message.kind}",
        "timestamp": str(message.at),
        "sender": {"id": person.user_id},
        "recipient": {"id": oa.oa_id},
        "message": body,
    }


def said_by_oa(oa: OaConfig, person: Person, message: Message, admin_id: str = "") -> Event:
    """The echo `oa_send_*` of a send; with `admin_id` an employee typed it in OA Manager."""
    sender: Event = {"id": oa.oa_id}
    if admin_id:
        sender["admin_id"] = admin_id
    body: Event = {"msg_id": message.id, "text": message.text}
    attachment = _echoed(message)
    if attachment:
        body["attachments"] = [attachment]
    return {
        "event_name": f"oa_send_{message.kind}",
        "app_id": oa.app_id,
        "sender": sender,
        "recipient": {"id": person.user_id},
        "user_id_by_app": person.by_app,
        "message": body,
        "timestamp": str(message.at),
    }


def _echoed(message: Message) -> Event | None:
    payload = message.payload or {}
    if message.kind in ("image", "gif"):
        return {"type": message.kind, "payload": {"url": payload.get("url", ""), "thumbnail": payload.get("url", "")}}
    if message.kind == "sticker":
        return {"type": "sticker", "payload": {"id": payload.get("attachment_id", ""), "url": ""}}
    if message.kind == "file":
        name, size = str(payload.get("name", "")), str(payload.get("size", ""))
        return {
            "type": "file",
            "payload": {"url": payload.get("url", ""), "name": name, "size": size, "type": name[-3:]},
        }
    if message.kind == "template":
        return {"type": "template", "payload": {"zinstant_id": message.id, "text": message.text, "link_url": ""}}
    return None


def received(oa: OaConfig, person: Person, message_id: str, at: int) -> Event:
    return {
        "event_name": "user_received_message",
        "sender": {"id": oa.oa_id},
        "recipient": {"id": person.user_id},
        "message": {"msg_id": message_id},
        "app_id": oa.app_id,
        "user_id_by_app": person.by_app,
        "timestamp": str(at),
    }


def received_by_phone(oa: OaConfig, recipient: str, message_id: str, tracking_id: str, at: int) -> Event:
    """The receipt of a ZBS message; `recipient` is what was written to, the phone or its hash."""
    return {
        "event_name": "user_received_message",
        "app_id": oa.app_id,
        "sender": {"id": oa.oa_id},
        "recipient": {"id": recipient},
        "message": {"msg_id": message_id, "delivery_time": str(at), "tracking_id": tracking_id},
        "timestamp": str(at),
    }


def seen(oa: OaConfig, person: Person, message_ids: Sequence[str], at: int) -> Event:
    return {
        "event_name": "user_seen_message",
        "app_id": oa.app_id,
        "user_id_by_app": person.by_app,
        "sender": {"id": oa.oa_id},
        "recipient": {"id": person.user_id},
        "message": {"msg_ids": list(message_ids)},
        "timestamp": str(at),
    }


def relation(oa: OaConfig, person: Person, name: str, at: int) -> Event:
    """`follow` or `unfollow`."""
    return {
        "event_name": name,
        "oa_id": oa.oa_id,
        "app_id": oa.app_id,
        "follower": {"id": person.user_id},
        "user_id_by_app": person.by_app,
        "source": "oa_profile",
        "timestamp": str(at),
    }


def clicked_chat(oa: OaConfig, person: Person, at: int) -> Event:
    return {
        "event_name": "user_click_chatnow",
        "oa_id": oa.oa_id,
        "app_id": oa.app_id,
        "user_id": person.user_id,
        "user_id_by_app": person.by_app,
        "timestamp": str(at),
    }


def submitted(oa: OaConfig, person: Person, info: Mapping[str, str], at: int) -> Event:
    """`user_submit_info` with the newer fields: two levels of address."""
    return {
        "event_name": "user_submit_info",
        "app_id": oa.app_id,
        "sender": {"id": person.user_id},
        "recipient": {"id": oa.oa_id},
        "user_id_by_app": person.by_app,
        "info": {
            "name": info.get("name", ""),
            "phone": info.get("phone", ""),
            "user_dob": info.get("dob", ""),
            "gender": info.get("gender", ""),
            "full_address": {
                "user_city": info.get("city", ""),
                "user_ward": info.get("ward", ""),
                "user_address": info.get("address", ""),
            },
        },
        "timestamp": str(at),
    }


def reacted(oa: OaConfig, person: Person, message_id: str, icon: str, at: int) -> Event:
    return {
        "event_name": "user_reacted_message",
        "sender": {"id": person.user_id},
        "recipient": {"id": oa.oa_id},
        "message": {"msg_id": message_id, "react_icon": icon},
        "app_id": oa.app_id,
        "user_id_by_app": person.by_app,
        "timestamp": str(at),
    }


def withdrew(oa: OaConfig, person: Person, at: int) -> Event:
    """`user_withdraw`: the citizen uses the data subject's right."""
    return {
        "event_name": "user_withdraw",
        "app_id": oa.app_id,
        "oa_id": oa.oa_id,
        "user_id": person.user_id,
        "user_id_by_app": person.by_app,
        "timestamp": str(at),
    }
