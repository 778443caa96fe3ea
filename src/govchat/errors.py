"""Business errors: each carries the HTTP status and the stable code it is rendered with.

Rooms raise subclasses of `DomainError`; `govchat.app` renders them once as RFC 9457 problem details. Zalo's refusals are another
tree, in `govchat.zalo.errors`.
"""

from typing import Any, ClassVar


class DomainError(Exception):
    """A refusal that a caller can understand and mend.

    `detail` names the thing, the value and the way out; `extra` becomes members of the problem document.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    title: ClassVar[str] = "The request can't be carried out"

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra


class ConfigurationError(Exception):
    """The process can't start as configured; the message says which setting and what it should be."""
