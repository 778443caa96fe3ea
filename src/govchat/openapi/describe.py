"""What the description says of the API as a whole, and the local viewer."""

from pathlib import Path

from litestar import Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.static_files import create_static_files_router

FILES = Path(__file__).parent / "static"
PATH = "/assets/openapi"

DESCRIPTION = """
Backend of the provinces' Zalo channels. One-stop systems push dossiers with an API key of their province. Errors are RFC 9457 problem
documents whose `code` is stable; times are RFC 3339 with an offset.
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
        security=[{"key": []}],
        tags=[
            Tag("Dossiers", "What one-stop systems push and read"),
            Tag("Zalo", "What Zalo calls"),
            Tag("Operations", "Probes and metrics"),
        ],
    )


def viewer_files() -> Router:
    """The viewer's scripts and styles."""
    return create_static_files_router(
        PATH, [FILES], name="openapi_viewer", opt={"public": "scripts"}, include_in_schema=False
    )
