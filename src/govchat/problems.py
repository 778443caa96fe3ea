"""Every refusal as an RFC 9457 problem document, rendered in one place; JSON bodies are read here, so that a refusal names the field.

`type` is stable and documented in docs/errors.md; `code` is what programs branch on. Framework errors are translated, unexpected ones say
nothing but an id that the log holds too.
"""

import re
from functools import cache
from typing import Any
from uuid import uuid4

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import ClientException, HTTPException, ValidationException

from govchat.db.away import is_away
from govchat.errors import DomainError
from govchat.kit.fields import named

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


# PostgreSQL's text can't hold it; an even number of backslashes before it would make it harmless words.
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON body is read strictly into what the route takes: "4" is no number, and nothing is guessed."""

    async def json(self) -> Any:
        """The route's `data`; refuses with 400, 415 or 422."""
        media_type, _ = self.content_type
        if media_type and media_type != "application/json" and not media_type.endswith("+json"):
            raise HTTPException(f'Content-Type "{media_type[:80]}": send application/json', status_code=415)
        body = await self.body()
        taken = self.route_handler.parsed_fn_signature.parameters.get("data")
        try:
            if NUL.search(body):
                raise _unfit("body", "holds the character U+0000, which no text may")
            return _decoder(taken.annotation if taken else Any).decode(body)
        except msgspec.ValidationError as error:
            raise _unfit(*named(str(error))) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ClientException(f"the body is no JSON that can be read: {error}") from error


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _unfit(field: str, message: str) -> ValidationException:
    return ValidationException(extra=[{"key": field, "message": message}])


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
    if "retry_after" in extra:
        headers["Retry-After"] = str(extra["retry_after"])
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer, Basic realm="govchat"'
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def domain_error(_: Request[Any, Any, Any], error: DomainError) -> Response[bytes]:
    """A business refusal."""
    return problem(error.status, error.code, error.title, error.detail, **error.extra)


def http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """A refusal of the framework; validation names each field."""
    status = error.status_code
    if isinstance(error, ValidationException):
        wrong = [
            # What Litestar says of an empty body is the name of its own argument.
            {"field": "body", "message": "is empty: send JSON"}
            if entry.get("message") == "'data'"
            else {"field": entry.get("key", ""), "message": entry.get("message", "")}
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
    """A fault of ours: logged with an id, told without a detail. A database that is away is told as such."""
    if is_away(error):
        log.warning("request.database_away", path=request.scope.get("path_template"), error=type(error).__name__)
        return problem(503, *FRAMEWORK[503], "the database does not answer: send the request again")
    incident = uuid4().hex[:12]
    log.error("request.failed", incident=incident, path=request.scope.get("path_template"), exc_info=error)
    return problem(
        500, "internal", "Something went wrong here", f"the log has more under incident {incident}", incident=incident
    )


HANDLERS: dict[Any, Any] = {DomainError: domain_error, HTTPException: http_error, Exception: unexpected}
