"""Events about an OA rather than a conversation: calls, groups, the shop, templates and their quotas, the app's grant.

Ids, times and numbers are strings, as on the wire.
"""

import msgspec

from govchat.zalo.header import Event
from govchat.zalo.parse import as_int


class Call(Event, frozen=True, kw_only=True):
    """A call, the request to be allowed to call, or its answer."""


class _Member(msgspec.Struct, frozen=True):
    id: str | None = None


class GroupEvent(Event, frozen=True, kw_only=True):
    """Something happened to a group or its members."""

    group_id: str | None = None
    users: tuple[_Member, ...] | None = None

    @property
    def member_ids(self) -> tuple[str, ...]:
        return tuple(member.id for member in self.users or () if member.id)


class ShopOrder(Event, frozen=True, kw_only=True):
    """An order in the OA's shop."""


class Feedback(msgspec.Struct, frozen=True):
    """A rating given on a rating template."""

    msg_id: str | None = None
    rate: str | None = None
    note: str | None = None
    feedbacks: tuple[str, ...] | None = None
    submit_time: str | None = None
    tracking_id: str | None = None

    def __repr__(self) -> str:
        return "<Feedback>"

    @property
    def stars(self) -> int | None:
        stars = as_int(self.rate)
        return stars if stars is not None and 1 <= stars <= 5 else None


class FeedbackGiven(Event, frozen=True, kw_only=True):
    """A citizen rated a service."""

    message: Feedback


class Answer(msgspec.Struct, frozen=True):
    """A tap on a quick-reply template."""

    button_type: str | None = None
    data: str | None = None
    submit_time: str | None = None
    tracking_id: str | None = None


class ButtonAnswered(Event, frozen=True, kw_only=True):
    """A citizen answered the template message `msg_id` with one of its buttons."""

    msg_id: str | None = None
    message: Answer


class Change(msgspec.Struct, frozen=True):
    """Before and after; a status names the fields `…_status`, everything else `…_value`."""

    prev_status: str | None = None
    new_status: str | None = None
    prev_value: str | None = None
    new_value: str | None = None

    @property
    def before(self) -> str | None:
        return self.prev_status or self.prev_value

    @property
    def after(self) -> str | None:
        return self.new_status or self.new_value


class TemplateChanged(Event, frozen=True, kw_only=True):
    """The status, quality or quota of a template changed, with Zalo's `reason`."""

    template_id: str | None = None
    status: Change | None = None
    quality: Change | None = None
    quota: Change | None = None
    reason: str | None = None

    @property
    def change(self) -> Change | None:
        return self.status or self.quality or self.quota


class OaAllowanceChanged(Event, frozen=True, kw_only=True):
    """The OA's daily quota, or the kinds of template it may use, changed."""

    quota: Change | None = None


class JourneyEvent(Event, frozen=True, kw_only=True):
    """A journey (a bundle of templates about one matter) was acknowledged or timed out."""


class AppEvent(Event, frozen=True, kw_only=True):
    """The OA took back its grant, or bought an extension."""

    @property
    def grant_revoked(self) -> bool:
        return self.event_name == "permission_revoked"
