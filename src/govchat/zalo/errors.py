"""Zalo's refusals, and the ways a call can fail on the road, as one exception tree that answers questions.

`kind` says what to do, `retryable` whether the same call may be made again later, `blame` whose fault it is. Which code
raises which class stands in `codes`. No text kept here holds a token, a secret or a phone number: see `redact`.
"""

from enum import StrEnum
from typing import ClassVar, Literal

Scope = Literal["app", "oa"]


class Kind(StrEnum):
    """What a refusal asks of us."""

    auth = "auth"  # read the stored token again, then refresh once, then try once more
    wait = "wait"  # back off with jitter
    quota = "quota"  # put off to the next period
    night = "night"  # put off to the morning in Vietnam
    permanent = "permanent"  # this message to this person will never pass
    human = "human"  # alert somebody and pause the tenant or the feature
    data = "data"  # our payload is wrong


class Blame(StrEnum):
    """Whose fault a refusal is."""

    payload = "payload"
    recipient = "recipient"
    credential = "credential"
    quota = "quota"
    platform = "platform"


class MessageInvalid(ValueError):
    """A message was refused here, before sending, because Zalo would refuse it.

    `field` names the part, `length` what was given (None when length is not the matter), `limit` what Zalo allows.
    """

    def __init__(self, field: str, problem: str, *, length: int | None = None, limit: int | None = None) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
        self.length = length
        self.limit = limit


class ZaloError(Exception):
    """A call to Zalo that did not succeed.

    `message` is Zalo's own text, already redacted; `sentence` is our explanation of the code. `uncertain` is true when the
    thing asked for may have happened nevertheless. `scope` is set for -32 alone, when the text says which limit was hit.
    """

    default_name: ClassVar[str] = "zalo_error"
    default_kind: ClassVar[Kind] = Kind.permanent
    default_retryable: ClassVar[bool] = False
    default_blame: ClassVar[Blame] = Blame.platform
    default_uncertain: ClassVar[bool] = False

    def __init__(
        self,
        message: str = "",
        *,
        code: int | None = None,
        name: str | None = None,
        sentence: str = "",
        kind: Kind | None = None,
        retryable: bool | None = None,
        blame: Blame | None = None,
        uncertain: bool | None = None,
        http_status: int | None = None,
        retry_after_s: float | None = None,
        scope: Scope | None = None,
    ) -> None:
        self.code = code
        self.name = name or self.default_name
        self.message = message
        self.sentence = sentence
        self.kind = self.default_kind if kind is None else kind
        self.retryable = self.default_retryable if retryable is None else retryable
        self.blame = self.default_blame if blame is None else blame
        self.uncertain = self.default_uncertain if uncertain is None else uncertain
        self.http_status = http_status
        self.retry_after_s = retry_after_s
        self.scope: Scope | None = scope
        super().__init__(self._told())

    def _told(self) -> str:
        numbers = [f"code {self.code}"] if self.code is not None else []
        if self.http_status not in (None, 200):
            numbers.append(f"HTTP {self.http_status}")
        head = f"{self.name} ({', '.join(numbers)})" if numbers else self.name
        return ": ".join(part for part in (head, self.sentence or self.message) if part)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


# --- on the road ----------------------------------------------------------------------------------------------------------


class ConnectFailed(ZaloError):
    """The request never left us: no address, no connection, no TLS. Sending it again is safe."""

    default_name = "connect_failed"
    default_kind = Kind.wait
    default_retryable = True


class OutcomeUnknown(ZaloError):
    """The request may have been carried out: time-out, reset, 5xx or an unreadable reply after it was written.

    Not retryable for sends: the echo event or `recent_chats` settles what happened. Retryable for reads.
    """

    default_name = "outcome_unknown"
    default_kind = Kind.wait
    default_uncertain = True


class HttpRefused(ZaloError):
    """An HTTP status outside 2xx and 5xx without Zalo's envelope: a wrong address, a proxy, a redirect (never followed)."""

    default_name = "http_refused"
    default_kind = Kind.human


# --- answers of the API ---------------------------------------------------------------------------------------------------


class UnknownZaloError(ZaloError):
    """A code that our table does not hold; kept as it came, never retried, worth an alert on first sight."""

    default_name = "unknown"


class RateLimited(ZaloError):
    """Too many requests a minute for the app or the OA: push the bucket named by `scope` back, or both when it is None."""

    default_name = "rate_limited"
    default_kind = Kind.wait
    default_retryable = True
    default_blame = Blame.quota


class AccessTokenInvalid(ZaloError):
    """The access token is wrong, expired or replaced: read the store first, refresh only when the store has not moved."""

    default_name = "access_token_invalid"
    default_kind = Kind.auth
    default_retryable = True
    default_blame = Blame.credential


class SendFailed(ZaloError):
    """Zalo says it failed without saying why; the citizen may have the message all the same (`uncertain`)."""


class WindowClosed(ZaloError):
    """The citizen has not interacted within the window in which free messages pass: use an approved template."""


class RecipientUnreachable(ZaloError):
    """This person can't be reached on this channel: try the other one."""


class RecipientRefused(ZaloError):
    """The person refuses this kind of message or this OA: record the opt-out."""


class QuotaSpent(ZaloError):
    """A daily or monthly allowance is used up: put the message off to the next period."""


class NightTime(ZaloError):
    """This kind of message is not delivered at night: put it off to the morning in Vietnam."""


class PayloadRefused(ZaloError):
    """Zalo does not accept the body we made."""


class AttachmentExpired(PayloadRefused):
    """An uploaded file is older than seven days: upload it again and send once more."""


class ContentRefused(ZaloError):
    """The wording violates Zalo's standards: a person must review it."""


class TemplateRefused(ZaloError):
    """The template is unknown, unapproved, disabled or does not fit this channel or this OA."""


class PermissionMissing(ZaloError):
    """The OA, its package or its grant does not allow this call: a person must act in Zalo's console."""


class AccountUnavailable(ZaloError):
    """The OA or the app itself is gone, disabled, blocked or unknown to Zalo: pause the tenant."""


class PaymentNeeded(ZaloError):
    """The ZBS account is missing, unlinked or empty: pause paid sends."""


# --- OAuth ----------------------------------------------------------------------------------------------------------------


class OAuthError(ZaloError):
    """The token endpoint did not hand out a token pair."""

    default_name = "oauth_error"
    default_kind = Kind.human
    default_blame = Blame.credential


class NeedsReconsent(OAuthError):
    """An administrator of the OA has to grant access again; no retry can help."""

    default_name = "needs_reconsent"


class RefreshTokenSpent(NeedsReconsent):
    """The refresh token was used already or has expired: look in the store first, somebody may have rotated it."""

    default_name = "refresh_token_spent"


class ConsoleMisconfigured(OAuthError):
    """App id, app secret, callback address or app state is wrong in Zalo's developers console."""

    default_name = "console_misconfigured"


class OAuthReplyLost(OAuthError):
    """The request may have been carried out, but no token pair was read."""

    default_name = "oauth_reply_lost"
    default_kind = Kind.wait
    default_blame = Blame.platform
    default_uncertain = True


class RefreshReplyLost(OAuthReplyLost):
    """A refresh without a readable answer: the single-use token may be consumed. One more try with it, then re-consent."""

    default_name = "refresh_reply_lost"


class ExchangeReplyLost(OAuthReplyLost):
    """An exchange without a readable answer: the single-use code is spent in all likelihood, the administrator starts again."""

    default_name = "exchange_reply_lost"
