"""Articles of an OA and their broadcast: made in the background, checked by token, sent to whoever follows (fact sheet §3.4).

What an article holds is read strictly: unknown fields, missing covers and over-long lines are refused. A broadcast goes to followers
alone, never at night, and with articles that are there and shown.
"""

import secrets
from typing import Any

from govchat.simulator.calls import Call
from govchat.simulator.checks import json_object, known, text_of, web_address
from govchat.simulator.people import Message
from govchat.simulator.published import Article, Broadcast
from govchat.simulator.quotas import is_night
from govchat.simulator.refusals import Refusal

TITLE_MAX, AUTHOR_MAX, DESCRIPTION_MAX = 150, 50, 300
ARTICLES_A_BROADCAST = 5

_ARTICLE = frozenset({"type", "title", "author", "cover", "description", "body", "status", "comment", "tracking_link"})
_COVER = frozenset({"cover_type", "photo_url", "status"})
_BLOCKS = {"text": frozenset({"type", "content"}), "image": frozenset({"type", "url", "caption"})}
_TARGETS = {"ages": range(8), "gender": range(3), "locations": range(3), "cities": range(64), "platform": range(1, 4)}


def create(call: Call) -> dict[str, Any]:
    """`POST /v2.0/article/create`: answers a token; `verify` tells the id."""
    given = json_object(call.body)
    known(given, _ARTICLE, "")
    if given.get("type") != "normal":
        raise Refusal(-201, "type must be normal: articles around a video are not part of this simulator")
    title = text_of(given, "title", "", TITLE_MAX)
    text_of(given, "author", "", AUTHOR_MAX)
    description = text_of(given, "description", "", DESCRIPTION_MAX)
    _cover(given.get("cover"))
    _body(given.get("body"))
    for name in ("status", "comment"):
        if given.get(name, "show") not in ("show", "hide"):
            raise Refusal(-201, f"{name} must be show or hide")
    articles = call.world.articles
    if articles.left is not None:
        if articles.left <= 0:
            raise Refusal(-223, "article quota reached")
        articles.left -= 1
    shown = given.get("status", "hide") == "show"
    made = Article(
        secrets.token_hex(10), call.oa.oa_id, secrets.token_urlsafe(24), title, description, shown,
        call.now + articles.seconds,
    )  # fmt: skip
    articles.by_id[made.id] = articles.by_token[made.token] = made
    return {"token": made.token}


def _cover(given: Any) -> None:
    if not isinstance(given, dict):
        raise Refusal(-201, "cover is missing")
    known(given, _COVER, "cover.")
    if given.get("cover_type") != "photo":
        raise Refusal(-201, "cover.cover_type must be photo")
    web_address(given.get("photo_url"), "cover.photo_url")
    if given.get("status", "show") not in ("show", "hide"):
        raise Refusal(-201, "cover.status must be show or hide")


def _body(given: Any) -> None:
    if not isinstance(given, list) or not given:
        raise Refusal(-201, "body must hold at least one paragraph")
    for place, block in enumerate(given):
        where = f"body[{place}]."
        if not isinstance(block, dict) or block.get("type") not in _BLOCKS:
            raise Refusal(-201, f"{where}type must be text or image")
        known(block, _BLOCKS[block["type"]], where)
        if block["type"] == "text":
            text_of(block, "content", where, 100_000)
        else:
            web_address(block.get("url"), f"{where}url")
            text_of(block, "caption", where, 1000, required=False)


def verify(call: Call) -> dict[str, Any]:
    """`POST /v2.0/article/verify`: the id of an article by its token, -214 while it is being made."""
    given = json_object(call.body)
    known(given, frozenset({"token"}), "")
    made = call.world.articles.by_token.get(text_of(given, "token", "", 200))
    if made is None or made.oa_id != call.oa.oa_id:
        raise Refusal(-201, "token is none of this Official Account's")
    if call.now < made.ready_at:
        raise Refusal(-214)
    return {"id": made.id}


def broadcast(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """`POST /v2.0/oa/message` with `recipient.target`: articles to followers."""
    known(given, frozenset({"recipient", "message"}), "")
    known(given["recipient"], frozenset({"target"}), "recipient.")
    _target(given["recipient"].get("target"))
    chosen = [_article(call, each, place) for place, each in enumerate(_elements(given.get("message")))]
    if is_night(call.now):
        raise Refusal(-234)
    world, oa = call.world, call.oa
    sent = Broadcast(
        world.message_id(), oa.oa_id, tuple(one.id for one in chosen), world.followers(oa.oa_id), call.at
    )  # fmt: skip
    for person in list(world.people[oa.oa_id].values()):
        if not person.follows or person.blocked or person.banned:
            continue
        for one in chosen:
            told = f"{one.title}\n{one.description}"
            world.record(
                person, Message(world.message_id(), oa.oa_id, person.user_id, True, "article", told, call.at)
            )  # fmt: skip
    world.articles.broadcasts.append(sent)
    world.stats.accepted_by_kind["broadcast"] += 1
    return {"message_id": sent.id}


def _target(given: Any) -> None:
    if not isinstance(given, dict):
        raise Refusal(-201, "recipient.target must be an object")
    known(given, frozenset(_TARGETS), "recipient.target.")
    for name, values in given.items():
        if not isinstance(values, list) or any(type(each) is not int or each not in _TARGETS[name] for each in values):
            raise Refusal(-201, f"recipient.target.{name} must be a list of numbers that exist")


def _elements(message: Any) -> list[Any]:
    attachment = message.get("attachment") if isinstance(message, dict) else None
    if not isinstance(attachment, dict) or attachment.get("type") != "template":
        raise Refusal(-201, "message.attachment must be a template")
    known(message, frozenset({"attachment"}), "message.")
    known(attachment, frozenset({"type", "payload"}), "message.attachment.")
    payload = attachment.get("payload")
    if not isinstance(payload, dict) or payload.get("template_type") != "media":
        raise Refusal(-201, "message.attachment.payload.template_type must be media")
    known(payload, frozenset({"template_type", "elements"}), "message.attachment.payload.")
    elements = payload.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= ARTICLES_A_BROADCAST:
        raise Refusal(-201, f"message.attachment.payload.elements must hold 1 to {ARTICLES_A_BROADCAST} articles")
    return elements


def _article(call: Call, given: Any, place: int) -> Article:
    where = f"message.attachment.payload.elements[{place}]"
    if not isinstance(given, dict) or given.get("media_type") != "article":
        raise Refusal(-201, f"{where}.media_type must be article: only articles are broadcast")
    known(given, frozenset({"media_type", "attachment_id"}), f"{where}.")
    found = call.world.articles.by_id.get(text_of(given, "attachment_id", f"{where}.", 200))
    if found is None or found.oa_id != call.oa.oa_id:
        raise Refusal(-201, f"{where}.attachment_id is no article of this Official Account")
    if call.now < found.ready_at:
        raise Refusal(-214)
    if not found.shown:
        raise Refusal(-201, f"{where}.attachment_id is hidden")
    return found
