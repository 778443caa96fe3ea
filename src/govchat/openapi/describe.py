"""What the description says of the API as a whole, and the local viewer."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, Example, Operation, SecurityScheme, Tag
from litestar.static_files import create_static_files_router

from govchat.access import idempotency
from govchat.access.guards import REFUSES, RequireScope
from govchat.access.keys import Forbidden, Unauthenticated

FILES = Path(__file__).parent / "static"
PATH = "/assets/openapi"

PROBLEM_TYPE = "application/problem+json"
# What reading a body may end in, by status.
READING = (400, 413, 415, 422)


class FieldError(msgspec.Struct):
    """One field that doesn't fit; `field` is its path from the top of the body."""

    field: str
    message: str


class Problem(msgspec.Struct, omit_defaults=True):
    """A refusal (RFC 9457). Branch on `code`; `detail` is for people and names the thing, the value and the way out."""

    type: Annotated[str, msgspec.Meta(pattern="^urn:govchat:problem:[a-z_]+$")]
    title: str
    status: Annotated[int, msgspec.Meta(ge=400, le=599)]
    detail: str
    code: Annotated[str, msgspec.Meta(pattern="^[a-z_]+$")]
    errors: list[FieldError] | msgspec.UnsetType = msgspec.UNSET


@dataclass
class _Told(Operation):
    """An operation without the framework's own picture of a refusal, which is none of our documents."""

    def __post_init__(self) -> None:
        for status, response in list((self.responses or {}).items()):
            content = getattr(response, "content", None) or {}
            if status == "400" and PROBLEM_TYPE not in content:
                assert self.responses is not None
                del self.responses[status]


DESCRIPTION = """
Backend of the provinces' Zalo channels. One-stop systems push dossiers with an API key of their province. Errors are RFC 9457 problem
documents whose `code` is stable; times are RFC 3339 with an offset. Every POST takes an `Idempotency-Key`: sent again within 24 hours with
the same body, it is carried out once and answered the same, with `Idempotency-Replayed: true`.
"""


def config() -> OpenAPIConfig:
    """The description served at /schema, /schema/openapi.json and /schema/openapi.yaml."""
    return OpenAPIConfig(
        title="govchat",
        version="1",
        description=DESCRIPTION.strip(),
        path="/schema",
        use_handler_docstrings=True,
        render_plugins=[
            SwaggerRenderPlugin(
                path="/",
                favicon="<link rel='icon' href='data:,'>",  # Litestar's own comes from elsewhere
                js_url=f"{PATH}/swagger-ui-bundle.js",
                css_url=f"{PATH}/swagger-ui.css",
                standalone_preset_js_url=f"{PATH}/swagger-ui-standalone-preset.js",
            )
        ],
        components=Components(
            security_schemes={
                "key": SecurityScheme(type="http", scheme="bearer", bearer_format="gvc_live_… or gvc_test_…"),
            }
        ),
        tags=[
            Tag("Dossiers", "What one-stop systems push and read"),
            Tag("Receipts", "QR codes on paper, and taking them back"),
            Tag("Callbacks", "Where one-stop systems want to hear what happened"),
            Tag("Procedures", "The catalogue, with the province's own figures"),
            Tag("Campaigns", "Broadcasts: draft, approval by a second person, fan-out, counts"),
            Tag("Petitions", "What citizens report and propose, handled by offices"),
            Tag("Ratings", "What citizens say of how their dossier was handled"),
            Tag("Reports", "Figures that tell of no person"),
            Tag("Privacy", "What citizens ask about their data"),
            Tag("Messages", "Why and how one message was said"),
            Tag("Zalo", "What Zalo calls"),
            Tag("Operations", "Probes and metrics"),
        ],
    )


def viewer_files() -> Router:
    """The viewer's scripts and styles."""
    return create_static_files_router(
        PATH, [FILES], name="openapi_viewer", opt={"public": "scripts"}, include_in_schema=False
    )


def declare_refusals(app: Litestar, framework: Mapping[int, tuple[str, str]]) -> None:
    """Tell for every route which problem documents it answers with, from its guards, its parameters, its body and `opt["refuses"]`.

    `framework` holds code and title of the refusals that are not any room's, by status.
    """
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler) and handler.resolve_include_in_schema():
                handler.operation_class = _Told
                # Litestar's made-up examples are others at every start.
                own = {
                    status: replace(spec, generate_examples=False) for status, spec in (handler.responses or {}).items()
                }
                handler.responses = {**_refusals(handler, framework), **own}
                if _scope_of(handler):
                    handler.security = [{"key": []}]


def _scope_of(handler: HTTPRouteHandler) -> str | None:
    return next((guard.scope for guard in handler.resolve_guards() if isinstance(guard, RequireScope)), None)


def _refusals(handler: HTTPRouteHandler, framework: Mapping[int, tuple[str, str]]) -> dict[int, ResponseSpec]:
    by_status: dict[int, dict[str, str]] = defaultdict(dict)
    named = [*handler.opt.get(REFUSES, ())]
    if _scope_of(handler):
        named += [Unauthenticated, Forbidden]
        named += idempotency.REFUSALS if "POST" in handler.http_methods else ()
    for error in named:
        by_status[error.status][error.code] = error.title
    taken = handler.parsed_fn_signature.parameters
    general = {503} if _scope_of(handler) else set()
    if "data" in taken:
        general |= set(READING)
    elif taken.keys() - {"request"}:
        general.add(422)
    for status in general:
        code, title = framework[status]
        by_status[status].setdefault(code, title)
    return {status: _described(status, codes) for status, codes in sorted(by_status.items())}


def _described(status: int, codes: dict[str, str]) -> ResponseSpec:
    def example(code: str, title: str) -> dict[str, Any]:
        detail = "what was refused, the value, and the way out"
        return {"type": f"urn:govchat:problem:{code}", "title": title, "status": status, "detail": detail, "code": code}

    return ResponseSpec(
        Problem,
        generate_examples=False,
        description="; ".join(f"`{code}`: {title}" for code, title in codes.items()),
        media_type=PROBLEM_TYPE,
        examples=[Example(summary=title, value=example(code, title)) for code, title in codes.items()],
    )
