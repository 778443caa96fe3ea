"""Browsing the catalogue without a name: by event of life or by field (lĩnh vực), a few at a time."""

from govchat.conversation import payloads
from govchat.conversation.flows import front
from govchat.conversation.flows.front import tap
from govchat.conversation.rulebook import Group, rulebook
from govchat.conversation.say import LONGEST_TITLE, Outcome, Tap
from govchat.conversation.state import MOST_CHOICES
from govchat.conversation.turn import Heard, Table, Turn
from govchat.conversation.wording import words
from govchat.kit.text import fold
from govchat.procedures.catalogue import Procedure

_PAGE = MOST_CHOICES  # one button of five leads on


def _browse(turn: Turn) -> Outcome:
    """A named group at once; else the events of life, or the fields when those were asked for."""
    if turn.argument or not turn.typed:
        return _groups(turn)
    name = named_group(turn.typed)
    if name:
        return _list(turn, name, 0)
    return turn.answer(
        words("browse.root"), buttons=(*front.browse_buttons(), tap("contact", payloads.CONTACT)), misses=0
    )


def named_group(typed: str) -> str:
    """The group that a message names by the longest of its words, empty when none is."""
    said = f" {' '.join(''.join(each if each.isalnum() else ' ' for each in fold(typed)).split())} "
    hits = [
        (len(word), name)
        for name, group in rulebook().groups.items()
        for word in group.words
        if f" {fold(word)} " in said
    ]
    return max(hits, default=(0, ""))[1]


def _groups(turn: Turn) -> Outcome:
    kind, _, page_ = turn.argument.partition(" ")
    by_field = kind == "fields"
    groups = [(name, group) for name, group in rulebook().groups.items() if bool(group.fields) is by_field]
    page = _number(page_, len(groups))
    shown = groups[page * _PAGE : (page + 1) * _PAGE]
    buttons = [
        tap("group", payloads.spelled(payloads.GROUP, name, 0), title=words(f"group.{name}")) for name, _ in shown
    ]
    following = (page + 1) * _PAGE < len(groups)
    more = payloads.FIELDS if by_field else payloads.EVENTS
    last = tap("next", payloads.spelled(more, page + 1)) if following else _other_way(by_field=by_field)
    return turn.answer(
        words("browse.fields" if by_field else "browse.events"), buttons=(*buttons, last), step="idle", misses=0
    )


def _other_way(*, by_field: bool) -> Tap:
    return tap("by_event", payloads.EVENTS) if by_field else tap("by_field", payloads.FIELDS)


def _group(turn: Turn) -> Outcome:
    name, _, page = turn.argument.partition(" ")
    return _list(turn, name, page) if name in rulebook().groups else _groups(turn)


def _list(turn: Turn, name: str, page_: object) -> Outcome:
    group = rulebook().groups[name]
    offered = _offered(turn, group)
    if not offered:
        return turn.answer(
            words("browse.nothing", title=words(f"group.{name}")), buttons=front.browse_buttons(), misses=0
        )
    page = _number(page_, len(offered))
    shown = offered[page * _PAGE : (page + 1) * _PAGE]
    lines = [words("procedure.choice", number=number, name=each.name) for number, each in enumerate(shown, 1)]
    buttons = [
        tap("procedure", payloads.spelled(payloads.PROCEDURE, each.code), name=each.name[: LONGEST_TITLE - 10])
        for each in shown
    ]
    following = (page + 1) * _PAGE < len(offered)
    last = (
        tap("next", payloads.spelled(payloads.GROUP, name, page + 1))
        if following
        else _other_way(by_field=bool(group.fields))
    )
    return turn.answer(
        "\n".join((words("browse.group", title=words(f"group.{name}"), count=len(offered)), *lines)),
        buttons=(*buttons, last),
        step="idle",
        choices=tuple(each.code for each in shown),
        procedure="",
        field="",
        topic_at=turn.context.seconds,
        misses=0,
    )


def _offered(turn: Turn, group: Group) -> list[Procedure]:
    shelf, today = turn.context.shelf, turn.context.today
    codes = list(group.codes)
    for field, listed in shelf.fields.items():
        if any(fold(piece) in fold(field) for piece in group.fields):
            codes += listed
    found = {each.code: each for code in dict.fromkeys(codes) if (each := shelf.find(code, today)) is not None}
    return list(found.values())


def _number(text: object, count: int) -> int:
    """A page that exists; a late tap may name one that doesn't any more."""
    page = int(text) if isinstance(text, int) or (isinstance(text, str) and text.isdecimal()) else 0
    return page if page * _PAGE < count else 0


TABLE: Table = {(None, Heard.BROWSE): _browse, (None, Heard.GROUP): _group}
