"""What a line of the checklist is, and the ground of facts on which each is judged."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from govchat.kit.clock import VN
from govchat.procedures.book import View
from govchat.tenants.registry import Tenant


class Colour(StrEnum):
    """Green: done. Amber: works or may wait, somebody should look. Red: the province can't go live with it."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `says` is what is known, `todo` the next action, empty when there is none; all Vietnamese, for provincial staff."""

    key: str
    title: str
    colour: Colour
    says: str
    todo: str = ""


class Confirmation(msgspec.Struct, frozen=True):
    """What somebody confirmed."""

    line: str
    by: str
    note: str
    at: datetime


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What Zalo last said of the Official Account (`getoa`), or why it said nothing; then `problem` holds the refusal."""

    asked_at: datetime
    oa_id: str = ""
    name: str = ""
    oa_type: int | None = None
    is_verified: bool | None = None
    package_name: str | None = None
    package_valid_through: str | None = None
    linked_zbs_account: str | None = None
    code: int | None = None
    problem: str | None = None


class Events(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived at the webhook: the last event, and how the newest ones were signed."""

    last_at: datetime | None = None
    last_name: str = ""
    signed: int = 0
    unsigned: int = 0
    variants: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()  # why the others fitted none: missing, invalid, near_miss, no_secret


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What several lines need, read once."""

    tenant: Tenant
    catalogue: View  # the province's own
    now: datetime
    is_production: bool
    public_url: str
    credential: str  # as `tenants.tokens.credential_state` says
    holds_token: bool
    consented_app: str | None  # whose consent the token stands on
    account: Account | None
    events: Events
    has_sent: bool  # whether Zalo ever accepted a message
    confirmations: Mapping[str, Confirmation]
    refusals: Mapping[int, datetime]  # codes of Zalo that need a person, and when each was last seen, within a day

    def refused(self, *codes: int) -> int | None:
        """The first of these codes that Zalo answered lately, when sending or when asked about the account."""
        asked = self.account.code if self.account else None
        return next((code for code in codes if code in self.refusals or code == asked), None)

    @property
    def answered(self) -> bool:
        """Whether Zalo last answered about this very Official Account."""
        account = self.account
        return account is not None and account.problem is None and account.oa_id == self.tenant.oa_id

    @property
    def missing(self) -> Colour:
        """The colour of what a person has yet to confirm. There is no console of Zalo behind a stand-in: amber in development."""
        return Colour.RED if self.is_production else Colour.AMBER


Judge = Callable[[AsyncSession, Ground], Awaitable[Line]]


def day(at: datetime) -> str:
    """A day as people in Vietnam write it."""
    return at.astimezone(VN).strftime("%d/%m/%Y")


def moment(at: datetime) -> str:
    """A time as people in Vietnam write it."""
    return at.astimezone(VN).strftime("%H:%M ngày %d/%m/%Y")
