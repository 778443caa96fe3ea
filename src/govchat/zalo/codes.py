"""The code tables: what every number that Zalo answers with means for us.

Two hosts, two tables: the OA API and the template (ZBS) API give the same number different meanings. `judge` makes
exceptions of them.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from govchat.zalo import errors as e
from govchat.zalo.errors import Blame, Kind, ZaloError


class Host(StrEnum):
    """Which of Zalo's hosts answered."""

    oa = "oa"
    zbs = "zbs"


class Code(msgspec.Struct, frozen=True):
    """One line of a table. `uncertain`: the send may have happened although the code says no."""

    code: int
    name: str
    error: type[ZaloError]
    kind: Kind
    blame: Blame
    sentence: str
    retryable: bool
    uncertain: bool = False


# What a kind means for "may the same call be made again later": payload, people and permanent refusals are not retried.
_RETRYABLE = {Kind.auth, Kind.wait, Kind.quota, Kind.night}

Row = tuple[int, str, type[ZaloError], Kind, Blame, str]


def _table(rows: Iterable[Row], uncertain: Iterable[int] = ()) -> dict[int, Code]:
    unsure = frozenset(uncertain)
    table: dict[int, Code] = {}
    for code, name, error, kind, blame, sentence in rows:
        assert code not in table, f"code {code} stands twice"
        table[code] = Code(code, name, error, kind, blame, sentence, kind in _RETRYABLE, code in unsure)
    return table


_DATA = (Kind.data, Blame.payload)
_LOST = (Kind.permanent, Blame.recipient)
_GRANT = (Kind.human, Blame.credential)
_QUOTA = (Kind.quota, Blame.quota)
_TOKEN = (Kind.auth, Blame.credential)
_MONEY = (Kind.human, Blame.quota)
_ODD = (Kind.permanent, Blame.platform)

_NO_MEANING = "Only old third-party lists know this code, with meanings that clash; look at the exchange by hand."
_GROUP = "A group, or something owned by a group, is not available to the OA."

OA_CODES = _table(
    [
        (
            -32,
            "rate_limited",
            e.RateLimited,
            Kind.wait,
            Blame.quota,
            "Too many requests this minute for the app or the OA.",
        ),
        (
            -100,
            "attachment_expired",
            e.AttachmentExpired,
            *_DATA,
            "The attachment id is older than seven days; upload again.",
        ),
        (
            -200,
            "send_failed",
            e.SendFailed,
            Kind.wait,
            Blame.platform,
            "Sending failed for a reason Zalo does not give.",
        ),
        (-201, "field_invalid", e.PayloadRefused, *_DATA, "The field that the text names is not valid."),
        (-202, "unexplained_202", e.UnknownZaloError, *_ODD, _NO_MEANING),
        (-204, "oa_deleted", e.AccountUnavailable, *_GRANT, "The OA has been deleted."),
        (-205, "oa_missing", e.AccountUnavailable, *_GRANT, "Zalo knows no such OA."),
        (-206, "unexplained_206", e.UnknownZaloError, *_ODD, _NO_MEANING),
        (-207, "unexplained_207", e.UnknownZaloError, *_ODD, _NO_MEANING),
        (-208, "unexplained_208", e.UnknownZaloError, *_ODD, _NO_MEANING),
        (
            -209,
            "app_not_activated",
            e.PermissionMissing,
            *_GRANT,
            "The API is closed to this app until it is activated.",
        ),
        (-210, "over_limit", e.PayloadRefused, *_DATA, "A parameter or a file is larger than allowed."),
        (-211, "feature_quota_spent", e.QuotaSpent, *_QUOTA, "The allowance of this feature is used up."),
        (
            -212,
            "api_not_registered",
            e.PermissionMissing,
            *_GRANT,
            "The OA has not registered this API in the console.",
        ),
        (
            -213,
            "not_following",
            e.RecipientUnreachable,
            *_LOST,
            "The person does not follow the OA or can't be reached.",
        ),
        (-214, "article_processing", e.ZaloError, Kind.wait, Blame.platform, "The article is still being processed."),
        (-215, "unexplained_215", e.UnknownZaloError, *_ODD, _NO_MEANING),
        (-216, "access_token_invalid", e.AccessTokenInvalid, *_TOKEN, "The access token is not valid or was replaced."),
        (-217, "invitations_blocked", e.RecipientUnreachable, *_LOST, "The person blocks invitations."),
        (-218, "recipient_quota_spent", e.QuotaSpent, *_QUOTA, "This person has received as many messages as allowed."),
        (-219, "app_disabled", e.AccountUnavailable, *_GRANT, "The app has been removed or disabled."),
        (-220, "access_token_expired", e.AccessTokenInvalid, *_TOKEN, "The access token has expired or was removed."),
        (-221, "oa_not_verified", e.PermissionMissing, *_GRANT, "The OA has to be verified first."),
        (
            -223,
            "not_authorised",
            e.PermissionMissing,
            *_GRANT,
            "The OA has not granted this API; its administrator must.",
        ),
        (-224, "package_too_low", e.PermissionMissing, *_GRANT, "The OA's package does not include this API."),
        (
            -227,
            "recipient_inactive",
            e.RecipientUnreachable,
            *_LOST,
            "The person is banned or has not used Zalo for 45 days.",
        ),
        (-230, "window_closed", e.WindowClosed, *_LOST, "The person has not interacted with the OA for seven days."),
        (
            -232,
            "never_interacted",
            e.WindowClosed,
            *_LOST,
            "The person has never interacted, or the interaction is too old.",
        ),
        (-233, "message_type_unsupported", e.PayloadRefused, *_DATA, "This type of message is not valid here."),
        (-234, "night", e.NightTime, Kind.night, Blame.platform, "Not delivered between 22:00 and 06:00."),
        (-235, "oa_type_excluded", e.PermissionMissing, *_GRANT, "The API is closed to this type of OA."),
        (-237, "group_disabled", e.PayloadRefused, *_ODD, _GROUP),
        (-238, "group_asset_disabled", e.PayloadRefused, *_ODD, _GROUP),
        (
            -240,
            "v2_closed",
            e.PayloadRefused,
            *_DATA,
            "The second version of the message API is closed; use the third.",
        ),
        (-241, "group_asset_used", e.PayloadRefused, *_ODD, _GROUP),
        (
            -242,
            "appsecret_proof_invalid",
            e.PayloadRefused,
            Kind.data,
            Blame.credential,
            "The appsecret_proof does not match.",
        ),
        (
            -244,
            "recipient_restricts",
            e.RecipientRefused,
            *_LOST,
            "The person does not want this kind of message from the OA.",
        ),
        (
            -248,
            "content_violation",
            e.ContentRefused,
            Kind.human,
            Blame.payload,
            "The wording violates Zalo's standards.",
        ),
        (
            -249,
            "template_not_by_uid",
            e.TemplateRefused,
            *_DATA,
            "The template can't be sent by user id; use the phone.",
        ),
        (
            -305,
            "reply_window_over",
            e.WindowClosed,
            *_LOST,
            "More than 48 hours since the last interaction (older rule).",
        ),
        (
            -311,
            "reply_quota_spent",
            e.WindowClosed,
            *_LOST,
            "The free replies of this interaction are used up (older rule).",
        ),
        (-320, "zbs_account_missing", e.PaymentNeeded, *_MONEY, "The OA has no ZBS account linked."),
        (-321, "zbs_account_empty", e.PaymentNeeded, *_MONEY, "The ZBS account has no money left."),
        (-403, "oa_not_in_group", e.PayloadRefused, *_ODD, _GROUP),
        (-1340, "ads_form_1340", e.PayloadRefused, *_ODD, "An advertising form refused the call."),
        (-1341, "ads_form_1341", e.PayloadRefused, *_ODD, "An advertising form refused the call."),
        (
            -20109,
            "unexplained_20109",
            e.UnknownZaloError,
            *_ODD,
            "Seen once, explained nowhere; look at the exchange by hand.",
        ),
        (-401, "token_refused_minus_401", e.AccessTokenInvalid, *_TOKEN, "The access token is not valid (variant)."),
        (401, "token_refused_401", e.AccessTokenInvalid, *_TOKEN, "The access token is not valid (variant)."),
        (216, "token_refused_216", e.AccessTokenInvalid, *_TOKEN, "The access token is not valid (variant)."),
        (112, "app_not_linked", e.PermissionMissing, *_GRANT, "The app is not linked to the OA."),
        (452, "session_invalid", e.AccessTokenInvalid, *_TOKEN, "The session is not valid."),
    ],
    uncertain=(-200,),
)

ZBS_CODES = _table(
    [
        (
            -32,
            "rate_limited",
            e.RateLimited,
            Kind.wait,
            Blame.quota,
            "Too many requests this minute for the app or the OA.",
        ),
        (-100, "try_later", e.SendFailed, Kind.wait, Blame.platform, "An unknown error on Zalo's side; try later."),
        (-101, "app_invalid", e.AccountUnavailable, *_GRANT, "The app is not valid."),
        (-102, "app_missing", e.AccountUnavailable, *_GRANT, "Zalo knows no such app."),
        (-103, "app_not_activated", e.PermissionMissing, *_GRANT, "The app is not activated."),
        (-104, "app_secret_invalid", e.PermissionMissing, *_GRANT, "The app secret is not valid."),
        (-105, "app_not_linked", e.PermissionMissing, *_GRANT, "The app is not linked to the OA."),
        (-106, "method_invalid", e.PayloadRefused, *_DATA, "The method is not supported."),
        (-107, "message_id_invalid", e.PayloadRefused, *_DATA, "The message id is not valid."),
        (-108, "phone_invalid", e.RecipientUnreachable, *_LOST, "The telephone number is not valid."),
        (-109, "template_id_invalid", e.TemplateRefused, *_DATA, "The template id is not valid."),
        (-1091, "template_not_editable", e.TemplateRefused, *_DATA, "The template can't be edited."),
        (-110, "zalo_too_old", e.RecipientUnreachable, *_LOST, "The person's version of Zalo is too old."),
        (-111, "template_data_empty", e.PayloadRefused, *_DATA, "The template data is empty."),
        (-112, "parameter_type_undefined", e.PayloadRefused, *_DATA, "A template value has an undefined type."),
        (
            -1121,
            "parameter_too_long",
            e.PayloadRefused,
            *_DATA,
            "A template value is longer than its parameter allows.",
        ),
        (-1122, "parameter_missing", e.PayloadRefused, *_DATA, "A template parameter is missing."),
        (-1123, "qr_not_built", e.PayloadRefused, *_DATA, "The QR code could not be made."),
        (-1124, "parameter_format_invalid", e.PayloadRefused, *_DATA, "A template value has the wrong format."),
        (-113, "button_invalid", e.PayloadRefused, *_DATA, "A button is not valid."),
        (-1131, "button_link_invalid", e.PayloadRefused, *_DATA, "A button's link is not valid."),
        (-1132, "button_missing", e.PayloadRefused, *_DATA, "A button is missing."),
        (-114, "recipient_unable", e.RecipientUnreachable, *_LOST, "The person can't receive the message."),
        (-115, "balance_spent", e.PaymentNeeded, *_MONEY, "Quota or balance is used up."),
        (-116, "content_invalid", e.PayloadRefused, *_DATA, "The content is not valid."),
        (-117, "template_not_ours", e.TemplateRefused, *_GRANT, "App, OA and template don't belong together."),
        (-118, "no_zalo_account", e.RecipientUnreachable, *_LOST, "The telephone number has no Zalo account."),
        (-119, "recipient_unable_119", e.RecipientUnreachable, *_LOST, "The person can't receive the message."),
        (-120, "function_not_permitted", e.PermissionMissing, *_GRANT, "The OA may not use this function."),
        (-1201, "tag_3_not_permitted", e.PermissionMissing, *_GRANT, "The OA may not use promotion templates."),
        (-1202, "media_not_permitted", e.PermissionMissing, *_GRANT, "The OA may not use this media feature."),
        (-121, "body_empty", e.PayloadRefused, *_DATA, "The body is empty."),
        (-122, "body_not_json", e.PayloadRefused, *_DATA, "The body is not JSON."),
        (-123, "rsa_key_123", e.PayloadRefused, *_DATA, "Something is wrong with the encryption key."),
        (-124, "access_token_invalid", e.AccessTokenInvalid, *_TOKEN, "The access token is not valid."),
        (
            -1241,
            "appsecret_proof_invalid",
            e.PayloadRefused,
            Kind.data,
            Blame.credential,
            "The appsecret_proof does not match.",
        ),
        (-125, "oa_id_invalid", e.AccountUnavailable, *_GRANT, "The OA id is not valid."),
        (-126, "development_wallet_spent", e.TemplateRefused, *_DATA, "The development wallet is used up."),
        (-127, "test_only_to_admins", e.TemplateRefused, *_DATA, "Test sends reach administrators alone."),
        (-128, "rsa_key_128", e.PayloadRefused, *_DATA, "Something is wrong with the encryption key."),
        (-129, "rsa_key_129", e.PayloadRefused, *_DATA, "Something is wrong with the encryption key."),
        (-130, "content_too_long", e.PayloadRefused, *_DATA, "The content is too long."),
        (-131, "template_not_approved", e.TemplateRefused, Kind.human, Blame.payload, "The template is not approved."),
        (-132, "parameter_invalid", e.PayloadRefused, *_DATA, "A parameter is not valid."),
        (
            -133,
            "night",
            e.NightTime,
            Kind.night,
            Blame.platform,
            "The template is not delivered between 22:00 and 06:00.",
        ),
        (
            -134,
            "opt_in_unanswered",
            e.RecipientUnreachable,
            *_LOST,
            "The person has not answered the opt-in (obsolete).",
        ),
        (-135, "oa_may_not_send", e.PermissionMissing, *_GRANT, "The OA may not send template messages."),
        (-1351, "oa_blocked", e.AccountUnavailable, *_GRANT, "The OA is blocked for a violation."),
        (-136, "zbs_account_missing", e.PaymentNeeded, *_MONEY, "The ZBS account is not connected."),
        (-137, "charge_failed", e.PaymentNeeded, *_MONEY, "The ZBS account could not be charged."),
        (-138, "feature_not_permitted", e.PermissionMissing, *_GRANT, "The OA may not use this feature."),
        (-1381, "extension_not_permitted", e.PermissionMissing, *_GRANT, "The OA may not use this extension."),
        (-139, "recipient_refuses_type", e.RecipientRefused, *_LOST, "The person refuses this kind of message."),
        (-140, "recipient_not_eligible", e.RecipientRefused, *_LOST, "The person is not eligible for this message."),
        (-141, "recipient_refuses_oa", e.RecipientRefused, *_LOST, "The person refuses messages from this OA."),
        (-142, "rsa_key_142", e.PayloadRefused, *_DATA, "Something is wrong with the encryption key."),
        (-143, "rsa_key_143", e.PayloadRefused, *_DATA, "Something is wrong with the encryption key."),
        (-144, "oa_daily_limit", e.QuotaSpent, *_QUOTA, "The OA's daily allowance is used up."),
        (-1441, "promotion_monthly_limit", e.QuotaSpent, *_QUOTA, "The OA's monthly promotion allowance is used up."),
        (-145, "content_type_not_permitted", e.PermissionMissing, *_GRANT, "The OA may not send this type of content."),
        (
            -146,
            "template_disabled",
            e.TemplateRefused,
            Kind.human,
            Blame.payload,
            "The template is disabled for low quality.",
        ),
        (-147, "template_daily_limit", e.QuotaSpent, *_QUOTA, "The template's daily allowance is used up."),
        (
            -1471,
            "follow_up_monthly_limit",
            e.QuotaSpent,
            *_QUOTA,
            "This person's monthly follow-up allowance is used up.",
        ),
        (-1472, "promotion_daily_limit", e.QuotaSpent, *_QUOTA, "This person has had the promotion of the day."),
        (-148, "journey_token_missing", e.PayloadRefused, *_DATA, "The journey token is missing."),
        (-149, "journey_token_invalid", e.PayloadRefused, *_DATA, "The journey token is not valid."),
        (-1491, "journey_token_type", e.PayloadRefused, *_DATA, "The journey token is of the wrong type."),
        (-150, "journey_token_expired", e.PayloadRefused, *_DATA, "The journey token has expired."),
        (-151, "e2ee_151", e.PayloadRefused, *_DATA, "Something is wrong with the end-to-end encryption."),
        (-152, "e2ee_152", e.PayloadRefused, *_DATA, "Something is wrong with the end-to-end encryption."),
        (-153, "specification_violated", e.PayloadRefused, *_DATA, "The request breaks the specification."),
        (-158, "upload_too_large", e.PayloadRefused, *_DATA, "The uploaded file is too large."),
        (-159, "upload_format", e.PayloadRefused, *_DATA, "The uploaded file has the wrong format."),
        (
            -160,
            "template_edits_spent",
            e.QuotaSpent,
            *_QUOTA,
            "As many templates as allowed were made or edited today.",
        ),
        (-161, "sending_mode_invalid", e.PayloadRefused, *_DATA, "The sending mode is not valid."),
        (
            -162,
            "sending_mode_for_tag",
            e.PayloadRefused,
            *_DATA,
            "The sending mode is not open to transaction and care tags.",
        ),
    ],
    uncertain=(-100,),
)

# The second meaning of -223.
ARTICLE_QUOTA = Code(
    -223, "article_quota_spent", e.QuotaSpent, Kind.quota, Blame.quota, "The OA's allowance of articles is used up.", True
)  # fmt: skip
