"""Every refusal as an RFC 9457 problem document, rendered in one place.

`type` is stable and documented in docs/errors.md; `code` is what programs branch on. Framework errors are translated, unexpected ones say
nothing but an id that the log holds too.
"""

from typing import Any
from uuid import uuid4

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from govchat.errors import DomainError

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"

# Litestar's own refusals, by status.
FRAMEWORK = {
    400: ("bad_request", "The request can't be read"),
    401: ("unauthenticated", "A valid API key is needed"),
    403: ("forbidden", "Not allowed"),
    404: ("not_found", "Nothing is here"),
    405: ("method_not_allowed", "This path has no such method"),
    413: ("body_too_large", "The body is too large"),
    415: ("media_type_unsupported", "The media type is not supported"),
    422: ("invalid", "The values don't fit"),
    503: ("unavailable", "Not available now, try again"),
}


def problem(status: int, code: str, title: str, detail: str, **extra: Any) -> Response[bytes]:
    """The document."""
    body = {
        "type": f"urn:govchat:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        **extra,
    }
    headers = {"Retry-After": "2"} if status == 503 else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def domain_error(_: Request[Any, Any, Any], error: DomainError) -> Response[bytes]:
    """A business refusal."""
    return problem(error.status, error.code, error.title, error.detail, **error.extra)


def http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """A refusal of the framework; validation names each field."""
    status = error.status_code
    if isinstance(error, ValidationException):
        wrong = [
            {"field": entry.get("key", ""), "message": entry.get("message", "")}
            for entry in (error.extra if isinstance(error.extra, list) else [])
            if isinstance(entry, dict)
        ]
        told = "; ".join(
            f"{entry['field']}: {entry['message']}" if entry["field"] else entry["message"] for entry in wrong
        )
        return problem(422, "invalid", "The values don't fit", told or error.detail, errors=wrong)
    code, title = FRAMEWORK.get(status, ("refused", "The request was refused"))
    return problem(status, code, title, error.detail or title)


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A fault of ours: logged with an id, told without a detail."""
    incident = uuid4().hex[:12]
    log.error("request.failed", incident=incident, path=request.scope.get("path_template"), exc_info=error)
    return problem(
        500, "internal", "Something went wrong here", f"the log has more under incident {incident}", incident=incident
    )


HANDLERS: dict[Any, Any] = {DomainError: domain_error, HTTPException: http_error, Exception: unexpected}
