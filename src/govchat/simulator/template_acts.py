"""What Zalo's reviewers do: `POST /_control/templates/{oa}/{id}` changes a template and tells the app by webhook.

A template is approved, rejected, disabled; its quality falls; its quota moves. Each change is one event, as Zalo sends it.
"""

from dataclasses import replace
from typing import Any

import msgspec
from aiohttp import web

from govchat.simulator.calls import COURIER, WORLD
from govchat.simulator.control_acts import answer, bad, body_of, missing, oa_named
from govchat.simulator.templates import STATUS_NAMES


class Review(msgspec.Struct, forbid_unknown_fields=True):
    """`status` ENABLE, PENDING_REVIEW, REJECT or DISABLE; `quality` HIGH, MEDIUM or LOW; `quota` messages a day."""

    status: str | None = None
    quality: str | None = None
    quota: int | None = None
    reason: str = ""


async def review(request: web.Request) -> web.Response:
    """Change a template of one OA; answers how the webhooks went."""
    world, given = request.app[WORLD], await body_of(request, Review)
    oa = oa_named(world, request.match_info["oa"])
    found = world.template(oa.oa_id, request.match_info["id"])
    if found is None:
        raise missing("no template by that id")
    numbers = {name: number for number, name in STATUS_NAMES.items()}
    if given.status is not None and given.status not in numbers:
        raise bad(f'status "{given.status}": expected one of {", ".join(numbers)}')
    changes: list[tuple[str, str, dict[str, Any]]] = []
    if given.status is not None:
        before = STATUS_NAMES[found.status]
        changes.append(("change_template_status", "status", {"prev_status": before, "new_status": given.status}))
        found = replace(found, status=numbers[given.status])
    if given.quality is not None:
        changes.append(
            ("change_template_quality", "quality", {"prev_value": found.quality, "new_value": given.quality})
        )
        found = replace(found, quality=given.quality)
    if given.quota is not None:
        changes.append(
            ("change_template_quota", "quota", {"prev_value": str(found.quota or ""), "new_value": str(given.quota)})
        )
        found = replace(found, quota=given.quota)
    world.changed_templates[oa.oa_id, found.id] = found
    told = []
    for name, field, change in changes:
        event = {
            "event_name": name,
            "oa_id": oa.oa_id,
            "app_id": oa.app_id,
            "template_id": found.id,
            field: change,
            "reason": given.reason,
            "timestamp": str(int(world.now() * 1000)),
        }
        if world.app_by_id[oa.app_id].webhook_url:
            told.append((await request.app[COURIER].post(oa, "", event)).shown())
    return answer(told)


def routes() -> list[web.RouteDef]:
    return [web.post("/_control/templates/{oa}/{id}", review)]
