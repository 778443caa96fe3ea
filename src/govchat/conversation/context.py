"""What a step may know besides state and event: the time, the tenant's public facts, its catalogue and the words it is asked with."""

from collections.abc import Mapping
from datetime import date, datetime

import msgspec

from govchat.conversation.shelf import Shelf, starter_shelf
from govchat.kit.clock import VN
from govchat.tenants.manifest import Manifest


class TenantFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant as its citizens know it.

    `h_codes` are its own letter codes, those of absorbed provinces included; `other_h_codes` maps every other province's code to the
    full name of the province that answers for it today. `main_h_code` is the one for examples (the smallest when not given).
    """

    slug: str
    name: str
    full_name: str
    hotline: str | None = None
    portal_url: str | None = None
    address: str | None = None
    h_codes: frozenset[str]
    other_h_codes: Mapping[str, str]
    main_h_code: str | None = None
    manifest: Manifest | None = None


class Context(msgspec.Struct, frozen=True):
    """`now` is aware; dates are judged in Vietnam. Without `shelf` it is the starter catalogue's."""

    now: datetime
    tenant: TenantFacts
    shelf: Shelf = msgspec.field(default_factory=starter_shelf)

    @property
    def seconds(self) -> int:
        return int(self.now.timestamp())

    @property
    def today(self) -> date:
        return self.now.astimezone(VN).date()
