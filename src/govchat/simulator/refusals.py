"""What the false Zalo refuses with: the code tables of the three hosts and the exception that carries a code to the answer.

Codes and meanings come from the fact sheet (§1.4 OAuth, §7.1 OA API, §7.2 ZBS); the wording is ours. A handler raises
`Refusal(code, detail)`; the host it was raised on renders it in that host's envelope.
"""

from typing import Final

OA: Final[dict[int, str]] = {
    -32: "Request limit per minute reached",
    -100: "Attachment id has expired",
    -200: "Send message failed",
    -201: "Invalid parameter",
    -204: "Official Account has been deleted",
    -205: "Official Account does not exist",
    -209: "API is not supported: application is not activated",
    -210: "Parameter exceeds its allowed limit",
    -211: "Quota of this feature is used up",
    -212: "Official Account has not registered this API",
    -213: "User has not followed Official Account",
    -214: "Article is still being processed",
    -216: "Access token is invalid",
    -217: "User has blocked invitations from Official Account",
    -218: "Limit of messages to this recipient reached",
    -219: "Application has been removed or disabled",
    -220: "Access token has expired or was removed",
    -221: "Official Account must be verified",
    -223: "Official Account has not authorised the application for this API",
    -224: "Package of Official Account is too low for this API",
    -227: "User is banned or has been inactive for more than 45 days",
    -230: "User has not interacted with Official Account in the past 7 days",
    -232: "User has never interacted with Official Account or the interaction has expired",
    -233: "Message type is invalid or not supported",
    -234: "Message cannot be sent at night, between 22:00 and 06:00",
    -235: "API is not available to this type of Official Account",
    -237: "Group has been disabled",
    -238: "Asset has been disabled",
    -240: "Message API v2 has been shut down, use API v3",
    -241: "Asset has been used",
    -242: "appsecret_proof is invalid",
    -244: "User restricts this type of message from Official Account",
    -248: "Content violates the platform's standards",
    -249: "Template cannot be sent by user id",
    -305: "More than 48 hours since the user's last interaction",
    -311: "Reply quota is used up",
    -320: "Application is not linked to a ZBS Account",
    -321: "ZBS Account has no money left",
    -401: "Access token is invalid",
    -403: "Official Account is not in the group",
    -1340: "Ads form is invalid",
    -1341: "Ads form is closed",
    -20109: "Unexplained refusal",
}

ZBS: Final[dict[int, str]] = {
    -100: "Unknown error, try again later",
    -101: "Application is invalid",
    -102: "Application does not exist",
    -103: "Application is not activated",
    -104: "Secret key of the application is invalid",
    -105: "Application is not linked to Official Account",
    -106: "Method is not supported",
    -107: "Message id is invalid",
    -108: "Phone number is invalid",
    -109: "Template id is invalid",
    -110: "User's Zalo version does not support this message",
    -111: "Template data is empty",
    -112: "Type of template data is undefined",
    -113: "Button is invalid",
    -114: "User cannot receive this message",
    -115: "Out of quota or balance",
    -116: "Content is invalid",
    -117: "Official Account or application has no right to this template",
    -118: "No Zalo account on this phone number",
    -119: "Account cannot receive this message",
    -120: "Official Account has no permission for this function",
    -121: "Template body is empty",
    -122: "Body is not valid JSON",
    -124: "Access token is invalid",
    -125: "Official Account id is invalid",
    -126: "Development wallet is spent",
    -127: "Test template can be sent to administrators only",
    -130: "Content is too long",
    -131: "Template has not been approved",
    -132: "Parameter is invalid",
    -133: "Template cannot be sent at night",
    -135: "Official Account may not send template messages",
    -136: "ZBS Account is not connected",
    -137: "Charging the ZBS Account failed",
    -139: "User refused this type of message",
    -140: "User is not eligible for this message",
    -141: "User refused messages from this Official Account",
    -144: "Daily limit of Official Account reached",
    -146: "Template was disabled for low quality",
    -147: "Daily limit of the template reached",
    -153: "Data violates the template's specification",
    -161: "sending_mode is invalid",
    -162: "sending_mode 3 is not allowed for this template tag",
    -1121: "Template data is longer than allowed",
    -1122: "Template parameter is missing",
    -1124: "Template data has a wrong format",
    -1241: "appsecret_proof is invalid",
    -1351: "Official Account is blocked for violation",
    -1441: "Monthly promotion quota is used up",
    -1471: "Monthly follow-up limit of this user reached",
    -1472: "Daily promotion limit of this user reached",
}

OAUTH: Final[dict[int, str]] = {
    -118: "invalid_grant",
    -14002: "Invalid app id or application is not active",
    -14003: "Invalid redirect uri",
    -14012: "Invalid request",
    -14014: "Invalid refresh token",
    -14020: "Refresh token has been used or has expired",
    -14024: "Invalid authorization code or code verifier",
    -14029: "Application has not been approved",
}


class Refusal(Exception):
    """A call that Zalo would refuse: `code` from a table above, `detail` names the field or the reason."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(f"{code} {detail}")
        self.code = code
        self.detail = detail


class Absent(Exception):
    """There is nothing at this address: answered with HTTP 404."""


def wording(table: dict[int, str], code: int, detail: str) -> str:
    """The `message` of a refusal: the table's sentence, then what exactly was refused."""
    sentence = table.get(code, "Refused")
    return f"{sentence}: {detail}" if detail else sentence
