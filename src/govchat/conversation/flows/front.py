"""The front desk: welcome, menu, help, thanks, media we can't read, and what was not understood."""

from govchat.conversation import payloads
from govchat.conversation.context import Context, TenantFacts
from govchat.conversation.say import LONGEST_TITLE, Button, Link, Outcome, Tap
from govchat.conversation.turn import Heard, Table, Turn
from govchat.conversation.wording import words
from govchat.kit.phrases import phrases

_GREETED_LATELY_S = 300  # a follow and the opening of the chat come together: one welcome is enough
_MEDIA_LATELY_S = 20  # an album arrives as one event per photo

NATIONAL_PORTAL = "https://dichvucong.gov.vn"


def example(context: Context) -> str:
    """A code of today as this tenant writes them, for a sentence that shows the shape."""
    letters = context.tenant.main_h_code or min(context.tenant.h_codes, default="H00")
    return f"{letters}.12-{context.today:%y%m%d}-0007"


def within(name: str) -> str:
    """A province's full name as it stands inside a sentence: "tỉnh Cao Bằng", "thành phố Huế"."""
    return name[:1].lower() + name[1:] if name.startswith(("Tỉnh ", "Thành phố ")) else name


def tap(key: str, payload: str, **values: object) -> Tap:
    return Tap(words(f"button.{key}", **values)[:LONGEST_TITLE], payload)


def menu_buttons() -> tuple[Button, ...]:
    return (
        tap("lookup", payloads.LOOKUP),
        tap("browse", payloads.EVENTS),
        tap("mine", payloads.MINE),
        tap("petition", payloads.PETITION),
        tap("contact", payloads.CONTACT),
    )


def browse_buttons() -> tuple[Button, ...]:
    return (tap("by_event", payloads.EVENTS), tap("by_field", payloads.FIELDS))


def contact_line(tenant: TenantFacts) -> str:
    return words("contact.call", hotline=tenant.hotline) if tenant.hotline else words("contact.call_nowhere")


def portal_button(tenant: TenantFacts) -> tuple[Button, ...]:
    return (Link(words("button.portal"), tenant.portal_url),) if tenant.portal_url else ()


def national_portal_button() -> Link:
    return Link(words("button.national_portal"), NATIONAL_PORTAL)


def _welcome(turn: Turn) -> Outcome:
    context = turn.context
    text = words("front.welcome", province=within(context.tenant.full_name), example=example(context))
    return turn.answer(text, buttons=menu_buttons(), step="idle", misses=0, greeted_at=context.seconds)


def _opened(turn: Turn) -> Outcome:
    if abs(turn.context.seconds - turn.state.greeted_at) < _GREETED_LATELY_S:
        return turn.silence()
    return turn.answer(words("front.greeting"), buttons=menu_buttons(), greeted_at=turn.context.seconds)


def _greeting(turn: Turn) -> Outcome:
    return turn.answer(words("front.greeting"), buttons=menu_buttons(), misses=0, greeted_at=turn.context.seconds)


def _given_back(turn: Turn) -> Outcome:
    return turn.answer(phrases("govchat.handoff")["back"], buttons=menu_buttons(), step="idle", misses=0)


def _menu(turn: Turn) -> Outcome:
    return turn.answer(words("front.menu"), buttons=menu_buttons(), step="idle", misses=0)


def _help(turn: Turn) -> Outcome:
    text = words("front.help", example=example(turn.context))
    buttons = (tap("lookup", payloads.LOOKUP), tap("contact", payloads.CONTACT))
    return turn.answer(text, words("front.help_more"), contact_line(turn.context.tenant), buttons=buttons, misses=0)


def _thanks(turn: Turn) -> Outcome:
    return turn.answer(words("front.thanks"), buttons=(tap("menu", payloads.MENU),), misses=0)


def _cancel(turn: Turn) -> Outcome:
    """Whatever was begun is dropped, and nothing is kept of it."""
    state = turn.state
    begun = state.step != "idle" or turn.awaiting_secret or turn.topic or state.choices or state.petition or state.asked
    return turn.answer(
        words("front.cancelled" if begun else "front.nothing_begun"),
        buttons=menu_buttons(),
        step="idle",
        awaiting_until=0,
        proving="nothing",
        asides=(),
        procedure="",
        field="",
        choices=(),
        misses=0,
        petition="",
        petition_code="",
        asked="",
        held_photos=0,
        held_place="",
        held_words="",
    )


def _abuse(turn: Turn) -> Outcome:
    """Calm: there is a grievance behind it as a rule."""
    text = f"{words('front.abuse')} {contact_line(turn.context.tenant)}"
    buttons = (tap("lookup", payloads.LOOKUP), tap("petition", payloads.PETITION), tap("contact", payloads.CONTACT))
    return turn.answer(text, buttons=buttons, misses=0)


def _out_of_scope(turn: Turn) -> Outcome:
    return turn.answer(words("front.out_of_scope"), buttons=menu_buttons(), misses=0)


def _unfollowed(turn: Turn) -> Outcome:
    return turn.silence(step="idle", awaiting_until=0, proving="nothing", asides=())


def _media(turn: Turn) -> Outcome:
    now = turn.context.seconds
    if turn.state.media == turn.heard and abs(now - turn.state.media_at) < _MEDIA_LATELY_S:
        return turn.silence(media_at=now)
    texts = {
        Heard.STICKER: (words("media.sticker"),),
    }
    said = texts.get(turn.heard, (words("media.other"),))
    return turn.answer(*said, buttons=menu_buttons(), media=str(turn.heard), media_at=now)


def not_understood(turn: Turn) -> Outcome:
    """Say so, and where a person can be asked; the second time in a row in other words."""
    tenant = turn.context.tenant
    misses = min(turn.state.misses + 1, 9)
    buttons = (*menu_buttons(), *portal_button(tenant))
    if misses > 1:
        return turn.answer(words("front.not_understood_again"), contact_line(tenant), buttons=buttons, misses=misses)
    first, more = words("front.not_understood"), words("front.not_understood_more")
    return turn.answer(
        first, f"{more} {contact_line(tenant)}" if tenant.hotline else more, buttons=buttons, misses=misses
    )


TABLE: Table = {
    (None, Heard.FOLLOWED): _welcome,
    (None, Heard.UNFOLLOWED): _unfollowed,
    (None, Heard.OPENED_CHAT): _opened,
    (None, Heard.GREETING): _greeting,
    (None, Heard.GIVEN_BACK): _given_back,
    (None, Heard.MENU): _menu,
    (None, Heard.AGAIN): _menu,
    (None, Heard.HELP): _help,
    (None, Heard.THANKS): _thanks,
    (None, Heard.CANCEL): _cancel,
    (None, Heard.ABUSE): _abuse,
    (None, Heard.OUT_OF_SCOPE): _out_of_scope,
    (None, Heard.STICKER): _media,
    (None, Heard.OTHER_MEDIA): _media,
    (None, Heard.UNKNOWN): not_understood,
}
