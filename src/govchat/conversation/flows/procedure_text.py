"""What is published about a procedure, said as a clerk would: each field by itself, the essentials as a card.

A figure that nobody confirmed is called usual, never promised; what is not published is said to be so. Figures of a procedure that only
another province issued are not this province's.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from govchat.conversation.context import Context
from govchat.conversation.wording import words
from govchat.kit.text import clean, fold
from govchat.procedures.catalogue import Certainty, Channel, Level, Procedure

_MOST_ITEMS = 15
_LONGEST_ITEM = 300
_SURE: frozenset[Certainty] = frozenset({"confirmed", "condensed"})
_USUAL: frozenset[Certainty] = frozenset({"inferred", "typical"})
_NO_FEE = re.compile(r"0(?: dong| d|d)?")  # nothing at all, compared without marks
_FREE = re.compile(r"0(?: dong)? (?=\(|\w{3})")  # "0 (trong nước: …) khi đúng hạn"
_FORMS = ("to khai", "don ", "mau ", "phieu ", "de nghi", "giay de nghi")


class About(msgspec.Struct, frozen=True):
    """A procedure in a conversation; without `ours` its figures are another province's and are not told."""

    procedure: Procedure
    context: Context
    ours: bool = True


Teller = Callable[[About], str]


def tell(about: About, field: str) -> str:
    """One field's answer; a field that the catalogue has nothing about is not published."""
    teller = FIELDS.get(field)
    said = teller(about) if teller and about.ours else ""
    return said or words("procedure.not_published", what=words(f"field.{field}"))


def card(about: About) -> str:
    """The essentials: name, place, time, fee, online, papers."""
    procedure = about.procedure
    if not about.ours:
        return "\n".join((words("procedure.head", name=_one(procedure.name)), words("procedure.elsewhere")))
    lines = [words("procedure.head", name=_one(procedure.name)), _where(about)]
    lines += [_time(about) or words("procedure.unpublished_time"), _fee(about) or words("procedure.unpublished_fee")]
    lines += [_online(about)]
    if procedure.documents:
        names = "; ".join(_one(each) for each in procedure.documents[:4])
        more = len(procedure.documents) > 4
        lines.append(words("procedure.papers_more" if more else "procedure.papers", papers=names))
    return "\n".join(line for line in lines if line)


def _fee(about: About) -> str:
    fee = about.procedure.fee
    text = _one(fee.spelled)
    if not text or fee.certainty == "unconfirmed":
        return ""
    sure = fee.certainty in _SURE
    plain = fold(text)
    if _NO_FEE.fullmatch(plain):
        return words("procedure.no_fee" if sure else "procedure.no_fee_usual")
    if len(plain) == len(text) and (found := _FREE.match(plain)):
        text = words("procedure.free", when=text[found.end() :])
    if not any(map(str.isdigit, text)):  # who sets it, not how much it is
        return words("procedure.fee_set", fee=text)
    return words("procedure.fee" if sure else "procedure.fee_usual", fee=text)


def _time(about: About) -> str:
    limit = about.procedure.limit
    spelled = limit.spelled
    if not spelled or limit.certainty == "unconfirmed":
        return ""
    text = words("procedure.time" if limit.certainty in _SURE else "procedure.time_usual", time=spelled)
    if "sources_differ" in limit.caveats:
        return f"{text} {words('procedure.time_differs')}"
    return f"{text} {words('procedure.time_recheck')}" if "recheck" in limit.caveats else text


def _documents(about: About) -> str:
    procedure = about.procedure
    if not procedure.documents or procedure.documents_certainty == "unconfirmed":
        return ""
    usual = procedure.documents_certainty in _USUAL
    head = words("procedure.documents_usual" if usual else "procedure.documents")
    return "\n".join((head, *_bullets(procedure.documents), words("procedure.documents_bring")))


def _where(about: About) -> str:
    procedure = about.procedure
    province = about.context.tenant.full_name
    places = [words(f"place.{_PLACES[level]}") for level in procedure.levels if level in _PLACES]
    if procedure.address:
        place = _one(procedure.address)
    elif places:
        place = "; ".join(dict.fromkeys(places))
    elif procedure.agencies:
        place = "; ".join(_one(each) for each in procedure.agencies[:3])
    else:
        return words("procedure.where_any", province=_within(province))
    lines = [words("procedure.where", place=place)]
    if procedure.agencies and place != "; ".join(procedure.agencies[:3]):
        lines.append(words("procedure.agency", agency="; ".join(_one(each) for each in procedure.agencies[:3])))
    if procedure.opening_hours:
        lines.append(words("procedure.hours", hours=_one(procedure.opening_hours)))
    return "\n".join(lines)


def _how(about: About) -> str:
    procedure = about.procedure
    ways = [words(f"channel.{_CHANNELS[channel]}") for channel in procedure.channels if channel in _CHANNELS]
    way = ", ".join(ways) if ways else words("channel.counter")
    given = [each for each in procedure.results if "tu choi" not in fold(each)] or procedure.results
    result = _one(given[0]) if procedure.results else words("procedure.result_unnamed")
    text = words("procedure.how", ways=way, result=result)
    return "\n".join(part for part in (text, _note(procedure)) if part)


def _online(about: About) -> str:
    return words(f"online.{about.procedure.online}")


def _form(about: About) -> str:
    forms = [each for each in about.procedure.documents if fold(each).startswith(_FORMS)]
    if not forms:
        return ""
    return "\n".join((words("procedure.forms"), *_bullets(forms), words("procedure.forms_where")))


def _legal_basis(about: About) -> str:
    procedure = about.procedure
    if not procedure.legal_basis:
        return words("procedure.decision", decision=_one(procedure.decision)) if procedure.decision else ""
    lines = [words("procedure.legal_basis"), *_bullets(procedure.legal_basis)]
    if procedure.decision:
        lines.append(words("procedure.decision", decision=_one(procedure.decision)))
    return "\n".join(lines)


def _conditions(about: About) -> str:
    """Whether somebody may have it: what is noted, else who can tell, with the place and the papers."""
    if noted := _note(about.procedure):
        return noted
    papers = about.procedure.documents[:4] if _documents(about) else ()
    named = words("procedure.papers", papers="; ".join(_one(each) for each in papers)) if papers else ""
    return "\n".join(filter(None, (words("procedure.conditions_unknown"), _where(about), named)))


def _note(procedure: Procedure) -> str:
    return words("procedure.note", note=_one(procedure.note)) if procedure.note else ""


def _bullets(items: list[str] | tuple[str, ...]) -> list[str]:
    return [words("procedure.item", item=_one(each)) for each in items[:_MOST_ITEMS]]


def _one(text: str) -> str:
    return clean(text, _LONGEST_ITEM).rstrip(" .")


def _within(name: str) -> str:
    return name[:1].lower() + name[1:] if name.startswith(("Tỉnh ", "Thành phố ")) else name


_PLACES: Mapping[Level, str] = MappingProxyType({"commune": "commune", "province": "province", "ministry": "ministry"})
_CHANNELS: Mapping[Channel, str] = MappingProxyType({"online": "online", "post": "post", "counter": "counter"})
FIELDS: Mapping[str, Teller] = MappingProxyType(
    {
        "fee": _fee,
        "time": _time,
        "documents": _documents,
        "where": _where,
        "how": _how,
        "online": _online,
        "form": _form,
        "legal_basis": _legal_basis,
        "conditions": _conditions,
    }
)
