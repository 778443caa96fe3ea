"""Where the law wants what is no petition: complaints, denunciations, land disputes (khiếu nại, tố cáo, tranh chấp đất đai).

Pure: a kind, a day and the province in; words (`route_<kind>`), limits and offices out. Nothing of what a citizen wrote comes here, so
nothing is kept.
"""

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files

import msgspec

from govchat.errors import DomainError
from govchat.kit.phrases import fill
from govchat.kit.text import fold
from govchat.tenants.schema import Agency, Manifest

ROOM = "govchat.petitions"


class RouteUnknown(DomainError):
    """Nothing is known of how the law routes this."""

    status = 404
    code = "petition_route_unknown"
    title = "No such kind of matter"


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One limit of the law in days, calendar days unless `working`; the others hold for complex matters and remote areas."""

    what: str
    days: int
    working: bool = False
    complex: int | None = None
    very_complex: int | None = None
    remote: int | None = None
    remote_complex: int | None = None


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the law routes one kind of matter since a day; `office` is whom the law names."""

    kind: str
    from_: date = msgspec.field(name="from")
    title: str
    office: str
    agencies: tuple[str, ...]
    basis: str
    limit: tuple[Limit, ...]

    def limit_of(self, what: str) -> Limit | None:
        """`file`, `accept`, `first`, `second`, `go_on`, `effective`, `conciliation`."""
        return next((one for one in self.limit if one.what == what), None)


class Routed(msgspec.Struct, frozen=True, kw_only=True):
    """A route and the province's own offices for it, as its manifest names them; empty where it names none."""

    route: Route
    offices: tuple[Agency, ...]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    route: tuple[Route, ...]


def routing_for(kind: str, on: date, manifest: Manifest | None = None) -> Routed:
    """The route of `complaint`, `denunciation` or `land_dispute` on a day; raises `RouteUnknown`."""
    held = [one for one in routes() if one.kind == kind and one.from_ <= on]
    if not held:
        known = sorted({one.kind for one in routes()})
        raise RouteUnknown(f'"{kind}" on {on}: expected one of {", ".join(known)}')
    route = max(held, key=lambda one: one.from_)
    agencies = manifest.agencies if manifest else ()
    offices = tuple(one for one in agencies if any(words in fold(one.name) for words in route.agencies))
    return Routed(route=route, offices=offices)


def told(routed: Routed) -> str:
    """What a citizen reads: where to go, with the limits of the law on that day."""
    return fill(ROOM, f"route_{routed.route.kind}", **_limits(routed))


def told_part(routed: Routed, part: str) -> str:
    """One side of it, for a short question behind that: `where`, `time`, `paper`, `next`, `secret`."""
    return fill(ROOM, f"route_{routed.route.kind}_{part}", **_limits(routed))


def _limits(routed: Routed) -> dict[str, str]:
    facts: dict[str, str] = {}
    for one in routed.route.limit:
        facts[one.what] = str(one.days)
        for name in ("complex", "very_complex", "remote", "remote_complex"):
            days = getattr(one, name)
            if days is not None:
                facts[f"{one.what}_{name}"] = str(days)
    return facts


@cache
def routes() -> tuple[Route, ...]:
    """Every entry of the table."""
    raw = (files("govchat.petitions") / "data" / "routing.toml").read_bytes()
    return msgspec.convert(tomllib.loads(raw.decode()), _Table).route
