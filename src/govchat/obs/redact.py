"""The last net under the logs: masks phone numbers, identity numbers, tokens and secrets in whatever is about to be written.

Rooms never log personal data; this is for the text nobody foresaw, an exception of a driver or a vendor's answer. It sees
finished event dictionaries and returns only what JSON can carry.
"""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

HIDDEN = "[redacted]"

# Keys whose value is hidden whatever it is, compared in lower case without `_` and `-`.
_SECRET_KEYS = frozenset(
    [
        "authorization",
        "proxyauthorization",
        "cookie",
        "setcookie",
        "password",
        "passwd",
        "apikey",
        "masterkey",
        "masterkeys",
        "privatekey",
        "signature",
        "mac",
        "codeverifier",
        "oauthcode",
        "authorizationcode",
        "dsn",
        "databaseurl",
        "migrationdatabaseurl",
        "redisurl",
        "lookupsecret",
        "name",
        "fullname",
        "displayname",
        "firstname",
        "lastname",
        "applicant",
        "applicantname",
        "officer",
        "useralias",
        "username",
        "phone",
        "phonenumber",
        "mobile",
        "tel",
        "sdt",
        "idnumber",
        "cccd",
        "cmnd",
        "citizenid",
        "email",
        "mail",
        "address",
        "dob",
        "birthday",
        "birthdate",
        "userid",
        "zalouserid",
        "userids",
        "senderid",
        "recipientid",
        "followerid",
        "text",
        "body",
        "payload",
        "content",
        "parameters",
        "params",
    ]
)
# Parts of keys that hide text; a number under them is a count or a lifetime and stays.
_SECRET_PARTS = ("token", "secret", "password", "phone", "credential", "apikey")

_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_GAP = r"[\s.\-–()\u00a0\u200b]{0,3}"
# 0, 84 or +84 and nine digits, however they are grouped; not inside a longer run of digits such as an Official Account's id.
_PHONE = rf"(?<!\d)(?:\(?\+?{_GAP}[8８][4４]{_GAP}\(?[0０]?|[0０])(?:{_GAP}\d){{9}}(?!\d)"
# Twelve digits in one run, apart by blanks, or in equal groups of three or four: the tail of a dossier code is none of these.
_IDENTITY = r"(?<!\d)(?:\d(?:[ \u00a0]?\d){11}|\d{3}(?P<dash>[.\-])\d{3}(?P=dash)\d{3}(?P=dash)\d{3}|\d{4}(?P<dot>[.\-])\d{4}(?P=dot)\d{4})(?!\d)"
# Row ids come first, or one in a hundred would be taken for a telephone.
_NUMBERS = re.compile(rf"(?P<uuid>{_UUID})|(?P<phone>{_PHONE})|(?P<identity>{_IDENTITY})")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}")
_API_KEY = re.compile(r"gvc_(live|test)_[A-Za-z0-9_\-.~+/=]+")
_DEV_SECRET = re.compile(r"dev-(app-secret|oa-secret|refresh):[^\s\"',;}\])]+")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[^\s\"',;]+", re.IGNORECASE)
# Bounded repeats keep these linear on a megabyte without blanks.
_PAIR = re.compile(
    r"(?P<key>(?:token|secret|passw(?:or)?d|api[_-]?key|authorization|signature|code_verifier|master_keys?)[\w-]{0,40})"
    r"(?P<between>[\"']?\s{0,4}[=:]\s{0,4})(?:\"[^\"]*\"?|'[^']*'?|[^\s\"'&,;}\])]+)",
    re.IGNORECASE,
)
_QUERY_CODE = re.compile(r"([?&](?:code|state)=)[^\s&\"']+")
_LINK_TOKEN = re.compile(r"(/[qf]/)[^\s\"'?#]+")
_USERINFO = re.compile(r"(?<=://)[^\s/@]{1,400}@")
# What drivers tell of a failed statement: the values bound to it.
_SQL_PARAMETERS = re.compile(r"\[parameters: .*?\](?=\s*(?:\n|\(Background|$))", re.DOTALL)
_SQL_DETAIL = re.compile(r"(DETAIL:|Key \()[^\n]*")

_MASKS = {"phone": "[phone]", "identity": "[id number]"}
_TELLING = re.compile(
    r"\d|token|secret|passw|key|authori|signature|bearer|basic|code|dev-|@|/[qf]/|\[param|DETAIL", re.IGNORECASE
)
_LONG_NUMBERS = re.compile(r"84\d{9}|\d{12}")

# Longer texts keep their beginning and, because tracebacks tell the cause last, more of their end.
_HEAD, _TAIL = 4_000, 12_000
_DEPTH = 6


def redact_text(text: str) -> str:
    """`text` with every phone number, identity number, e-mail address, token, secret and SQL value masked."""
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]} … {text[-_TAIL:]}"
    if not _TELLING.search(text):
        return text
    text = _SQL_PARAMETERS.sub(f"[parameters: {HIDDEN}]", text)
    text = _SQL_DETAIL.sub(lambda match: f"{match[1].rstrip(' (')} {HIDDEN}", text)
    if "@" in text:
        text = _EMAIL.sub("[email]", _USERINFO.sub(f"{HIDDEN}@", text))
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    text = _PAIR.sub(rf"\g<key>\g<between>{HIDDEN}", text)
    text = _QUERY_CODE.sub(rf"\1{HIDDEN}", text)
    text = _LINK_TOKEN.sub(rf"\1{HIDDEN}", text)
    text = _API_KEY.sub(rf"gvc_\1_{HIDDEN}", text)
    text = _DEV_SECRET.sub(rf"dev-\1:{HIDDEN}", text)
    return _NUMBERS.sub(_mask_number, text)


def _mask_number(match: re.Match[str]) -> str:
    return _MASKS.get(match.lastgroup or "", match[0])


def redact(value: Any, depth: int = 0) -> Any:
    """A copy of `value` that JSON can carry, with masked texts and hidden keys; unknown objects become their masked repr."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, int):
        return HIDDEN if _LONG_NUMBERS.fullmatch(str(value)) else value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if depth >= _DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {
            redact_text(str(key)): HIDDEN if _hides(str(key), each) else redact(each, depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(each, depth + 1) for each in value]
    return redact_text(str(value) if isinstance(value, Exception) else repr(value))


def _hides(key: str, value: object) -> bool:
    if value is None:
        return False
    plain = key.lower().replace("_", "").replace("-", "")
    if plain in _SECRET_KEYS:
        return True
    return isinstance(value, str | bytes | Mapping | list | tuple) and any(part in plain for part in _SECRET_PARTS)
