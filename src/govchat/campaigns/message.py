"""The words of a campaign: checked as Zalo would check them before anybody approves them, and made into the body that is shared."""

import re
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from govchat.campaigns.models import CampaignPictureRow
from govchat.campaigns.refusals import CampaignMessageInvalid
from govchat.campaigns.schemas import ArticleIn, ButtonIn, Class, MessageIn
from govchat.campaigns.template_fit import template_trouble
from govchat.kit.phrases import limits, overlaid, phrases, shipped
from govchat.notices.models import ZbsTemplateRow
from govchat.outbox import shared
from govchat.outbox.shared import FIELDS, LONGEST_FIELD, NOBODY, Body, fill
from govchat.tenants.phrases import own_phrases
from govchat.zalo import articles, messages, templates
from govchat.zalo.articles import Article
from govchat.zalo.errors import MessageInvalid
from govchat.zalo.messages import Button, CsMessage

_FIELD = re.compile(r"\{([^{}\s]*)\}")
_LONGEST = dict.fromkeys(FIELDS, "x" * LONGEST_FIELD)
ROOM = "govchat.campaigns"
# A promotion has to say how it is refused (Decree 91/2020): one tap on a button whose title is the province's; the conversation reads this.
STOP = "dừng"


def fields_of(message: MessageIn) -> list[str]:
    """The fields that the words use; raises `CampaignMessageInvalid` for one that is unknown."""
    said = [message.text, *(message.template.data.values() if message.template else ())]
    found = sorted({name for text in said for name in _FIELD.findall(text)})
    for name in found:
        if name not in FIELDS:
            known = ", ".join(f"{{{each}}}" for each in FIELDS)
            raise CampaignMessageInvalid(f'message.text "{{{name}}}" không phải một trường: có {known}')
    return found


def body_of(message: MessageIn, kind: Class, *, attachment_id: str | None = None, allow_insecure: bool = False) -> Body:
    """The shared body, in the words that are laid over the product's; raises `CampaignMessageInvalid` naming what Zalo would refuse."""
    fields_of(message)
    if message.image_url and message.picture_id:
        raise CampaignMessageInvalid("message: image_url và picture_id không đi cùng nhau, chỉ ghi một")
    try:
        cs = _cs(message, kind, attachment_id, allow_insecure)
        # Longest when every field, and what we add below a picture, is as long as it may be: a province may reword it before all is said.
        messages.text(NOBODY, fill(_longest(message, kind, cs), _LONGEST))
        uid = (
            templates.by_uid(NOBODY, message.template.template_id, message.template.data) if message.template else None
        )
    except MessageInvalid as error:
        raise CampaignMessageInvalid(f"message: {error}") from None
    own, product = shared.instead(), shipped(shared.ROOM)
    return Body(cs, uid, instead={name: said for name, said in own.items() if said != product[f"instead_{name}"]})


def _longest(message: MessageIn, kind: Class, cs: CsMessage) -> str:
    """The text as long as it can become before everybody was told: what we add to it may be said in other words by then."""
    if not (message.image_url or message.picture_id):
        return cs.plain_text
    said, room = phrases(ROOM), limits(ROOM)
    added = ["no_more", "button_no_more"] if kind == "promotion" else []
    added += ["spelled_query" if each.payload is not None or each.query else "spelled_link" for each in message.buttons]
    return cs.plain_text + "x" * sum(max(room[key] - len(said[key]), 0) for key in added)


def article_of(given: ArticleIn, kind: Class, *, allow_insecure: bool = False) -> Article:
    """The article as Zalo takes it; raises `CampaignMessageInvalid`. That of a promotion says at its end how it is refused."""
    parts: list[articles.Paragraph | articles.Picture] = [
        articles.Picture(each.image_url, each.caption)
        if each.image_url is not None
        else articles.Paragraph(each.text or "")
        for each in given.body
    ]
    if kind == "promotion":
        parts.append(articles.Paragraph(_no_more()))
    try:
        return articles.article(
            title=given.title, author=given.author, description=given.description, cover_url=given.cover_url, body=parts,
            allow_insecure=allow_insecure,
        )  # fmt: skip
    except MessageInvalid as error:
        raise CampaignMessageInvalid(f"message.article.{error}") from None


def preview(given: ArticleIn) -> str:
    """The article as a text for testers, as far as a message reaches."""
    body = "\n\n".join(each.text or f"[{each.caption or each.image_url}]" for each in given.body)
    head = phrases(ROOM)["article"].format(title=given.title)
    whole = f"{head}\n{given.description}\n\n{body}\n\n{given.author}"
    return whole if len(whole) <= messages.TEXT_LIMIT else f"{whole[: messages.TEXT_LIMIT - 1]}…"


def _no_more() -> str:
    said = phrases(ROOM)
    return said["no_more"].format(button=said["button_no_more"], command=STOP)


def _cs(message: MessageIn, kind: Class, attachment_id: str | None, allow_insecure: bool) -> CsMessage:
    buttons = [_button(each, allow_insecure) for each in message.buttons]
    if message.image_url or message.picture_id:
        # Zalo takes a picture with a text, or buttons with a text: what the buttons lead to is written below.
        words = "\n".join([message.text, *(line for button in buttons if (line := _spelled(button)))])
        if kind == "promotion":
            words += f"\n{_no_more()}"
        if message.image_url:
            return messages.image(NOBODY, url=message.image_url, text=words, allow_insecure=allow_insecure)
        return messages.image(NOBODY, attachment_id=attachment_id or "pending", text=words)
    if kind == "promotion" and len(buttons) < messages.BUTTON_LIMIT and not any(b.payload == STOP for b in buttons):
        buttons.append(messages.query(phrases(ROOM)["button_no_more"], STOP))
    return messages.text(NOBODY, message.text, buttons)


def _button(given: ButtonIn, allow_insecure: bool) -> Button:
    payload = given.payload
    url, phone, query = given.url, given.phone, given.query
    if isinstance(payload, str):
        query = query or payload
    elif payload is not None:
        url, phone = url or payload.url, phone or payload.phone_code
    chosen = [each for each in (url, phone, query) if each is not None]
    if len(chosen) != 1:
        raise CampaignMessageInvalid(f'message.buttons "{given.title}": cần đúng một trong url, phone, query')
    if url is not None:
        return messages.open_url(given.title, url, allow_insecure=allow_insecure)
    if phone is not None:
        return messages.open_phone(given.title, phone)
    return messages.query(given.title, chosen[0], hidden=given.type == "oa.query.hide")


def _spelled(button: Button) -> str:
    said, payload = phrases(ROOM), button.payload
    if isinstance(payload, str):
        return said["spelled_query"].format(title=button.title, command=payload)
    return said["spelled_link"].format(title=button.title, address=payload.url or payload.phone_code)


async def check(
    session: AsyncSession, tenant_id: UUID, message: MessageIn, kind: Class, *, allow_insecure: bool
) -> None:
    """Raise `CampaignMessageInvalid` for whatever would make Zalo refuse it: words, picture, template."""
    with overlaid(await own_phrases(session, tenant_id, ROOM, shared.ROOM)):
        _check_words(message, kind, allow_insecure)
    if message.picture_id and await session.get(CampaignPictureRow, (tenant_id, message.picture_id)) is None:
        raise CampaignMessageInvalid(
            f'message.picture_id "{message.picture_id}" chưa có: tải ảnh lên bằng POST /v1/campaigns/pictures'
        )
    if message.template:
        row = await session.get(ZbsTemplateRow, (tenant_id, message.template.template_id))
        if (wrong := template_trouble(row, message.template, kind)) is not None:
            raise CampaignMessageInvalid(f'message.template "{message.template.template_id}": {wrong}')


def _check_words(message: MessageIn, kind: Class, allow_insecure: bool) -> None:
    body_of(message, kind, allow_insecure=allow_insecure)
    if message.article:
        article_of(message.article, kind, allow_insecure=allow_insecure)
