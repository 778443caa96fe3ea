"""Calls Zalo's API on behalf of an OA: an access token and a struct in, a struct out or a `ZaloError`.

One request per call, nothing is tried twice here; who may repeat what is decided by the caller from the error.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import PurePath
from typing import Any, Self, TypeVar

import aiohttp
import msgspec

from govchat.kit import clock
from govchat.zalo import articles, messages, oauth, outgoing, replies, templates
from govchat.zalo.articles import Article
from govchat.zalo.codes import Host
from govchat.zalo.errors import AccessTokenInvalid, MessageInvalid, OutcomeUnknown
from govchat.zalo.exchange import UPLOAD_TIMEOUT_S, Content, Rate, exchange, read_envelope
from govchat.zalo.messages import CsMessage
from govchat.zalo.oauth import TokenPair
from govchat.zalo.parse import as_int, as_text
from govchat.zalo.replies import ChatMessage, OaProfile, Sent, TemplateSent, Uploaded, UserDetail
from govchat.zalo.templates import PhoneTemplate, TemplateInfo, TemplateQuota, UidTemplate

MIB = 1024 * 1024
IMAGE_LIMIT, GIF_LIMIT, FILE_LIMIT = 1 * MIB, 5 * MIB, 5 * MIB
IMAGE_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}
GIF_TYPES = {".gif": "image/gif"}
FILE_TYPES = {
    ".pdf": "application/pdf",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
UPLOAD_LIFE = timedelta(days=7)
PAGE_LIMIT = 10
TEMPLATE_PAGE = 100

T = TypeVar("T")

_JSON = {"Content-Type": "application/json"}


class ZaloClient:
    """Zalo's hosts over one connection pool. The tokens of all OAs pass through; none is kept."""

    def __init__(self, http: aiohttp.ClientSession, *, openapi_url: str, oauth_url: str, business_url: str) -> None:
        self.http = http
        self.openapi_url = openapi_url.rstrip("/")
        self.oauth_url = oauth_url.rstrip("/")
        self.business_url = business_url.rstrip("/")

    @classmethod
    @asynccontextmanager
    async def open(
        cls, *, openapi_url: str, oauth_url: str, business_url: str, connections: int = 0
    ) -> AsyncIterator[Self]:
        """A client with a pool of its own, closed at the end of the block; `connections` 0 is any number: the callers keep to theirs."""
        connector = aiohttp.TCPConnector(limit=connections, ttl_dns_cache=60)
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": "govchat"}
        ) as http:
            yield cls(http, openapi_url=openapi_url, oauth_url=oauth_url, business_url=business_url)

    # --- sending ---

    async def send(self, access_token: str, message: outgoing.Outgoing) -> Sent | TemplateSent:
        """Send whatever the outbox holds, on the call and host that it needs."""
        match message:
            case UidTemplate():
                return await self.send_template_by_uid(access_token, message)
            case PhoneTemplate():
                return await self.send_template(access_token, message)
            case _:
                return await self.send_cs(access_token, message)

    async def send_cs(self, access_token: str, message: CsMessage) -> Sent:
        """Send a consultation message. `OutcomeUnknown` means that the citizen may have it: don't repeat blindly."""
        url = f"{self.openapi_url}/v3.0/oa/message/cs"
        data, rate = await self._post(url, access_token, messages.encode(message))
        return _certain(replies.read_sent(data, message.user_id, rate))

    async def send_template_by_uid(
        self, access_token: str, template: UidTemplate, *, nest_recipient: bool = False
    ) -> Sent:
        """Send an approved template to a citizen. `nest_recipient` is the other shape of the body that one source has."""
        body: Any = template
        if nest_recipient:
            body = msgspec.structs.asdict(template)
            body["recipient"] = {"user_id": body.pop("user_id")}
        url = f"{self.openapi_url}/v3.0/oa/message/template"
        data, rate = await self._post(url, access_token, msgspec.json.encode(body))
        return _certain(replies.read_sent(data, template.user_id, rate))

    async def send_template(self, access_token: str, template: PhoneTemplate) -> TemplateSent:
        """Send an approved template to a telephone number, on the host of template messages."""
        url = f"{self.business_url}/message/template"
        data, rate = await self._post(url, access_token, msgspec.json.encode(template), Host.zbs)
        return _certain(replies.read_template_sent(data, rate))

    # --- articles ---

    async def create_article(self, access_token: str, article: Article) -> str:
        """Have an article made, once: it is there for all to see. Answers the token by which `verify_article` tells its id."""
        data, _ = await self._post(
            f"{self.openapi_url}/v2.0/article/create", access_token, msgspec.json.encode(article)
        )
        return _certain(as_text(data.get("token")))

    async def verify_article(self, access_token: str, token: str) -> str:
        """The id of an article; a retryable `ZaloError` (-214) while Zalo is still making it."""
        body = msgspec.json.encode({"token": token})
        try:
            data, _ = await self._post(f"{self.openapi_url}/v2.0/article/verify", access_token, body)
            return _certain(as_text(data.get("id")) or as_text(data.get("article_id")))
        except OutcomeUnknown as error:
            raise _harmless(error) from None

    async def broadcast(self, access_token: str, article_id: str) -> str:
        """Send an article to every follower of the OA; answers Zalo's message id. `OutcomeUnknown`: they may have it, don't repeat."""
        body = msgspec.json.encode(articles.broadcast_of(article_id))
        data, _ = await self._post(f"{self.openapi_url}/v2.0/oa/message", access_token, body)
        return _certain(as_text(data.get("message_id")))

    # --- reading ---

    async def get_oa(self, access_token: str) -> OaProfile:
        """The OA that the token belongs to."""
        data = await self._get("/v2.0/oa/getoa", access_token)
        profile = replies.read_profile(_object(data))
        if profile is None:
            raise _harmless(OutcomeUnknown("unreadable reply: no OA in it"))
        return profile

    async def user_detail(self, access_token: str, user_id: str) -> UserDetail:
        """What the OA may see of a citizen."""
        data = await self._get("/v3.0/oa/user/detail", access_token, {"user_id": messages.check_id("user_id", user_id)})
        return replies.read_user(_object(data), user_id)

    async def recent_chats(self, access_token: str, offset: int = 0, count: int = PAGE_LIMIT) -> list[ChatMessage]:
        """The latest message of each recent chat, newest first, at most 10 a page."""
        return replies.read_chat(await self._get("/v2.0/oa/listrecentchat", access_token, _page(offset, count)))

    async def conversation(
        self, access_token: str, user_id: str, offset: int = 0, count: int = PAGE_LIMIT
    ) -> list[ChatMessage]:
        """The chat with one citizen, newest first, at most 10 a page."""
        query = {"user_id": messages.check_id("user_id", user_id), **_page(offset, count)}
        return replies.read_chat(await self._get("/v2.0/oa/conversation", access_token, query))

    # --- templates ---

    async def template_ids(self, access_token: str) -> list[str]:
        """The ids of every template of the OA, whatever its status."""
        found: list[str] = []
        while True:
            query = {"offset": str(len(found)), "limit": str(TEMPLATE_PAGE)}
            page = await self._read_zbs("/template/all", access_token, query)
            ids = (
                [as_text(item.get("templateId")) for item in page if isinstance(item, dict)]
                if isinstance(page, list)
                else []
            )
            found += [each for each in ids if each]
            if len(ids) < TEMPLATE_PAGE:
                return found

    async def template_info(self, access_token: str, template_id: str) -> TemplateInfo:
        """One template: status, parameters, prices."""
        data = await self._read_zbs("/template/info/v2", access_token, {"template_id": template_id})
        info = templates.read_info(_object(data))
        if info is None:
            raise _harmless(OutcomeUnknown("unreadable reply: no template in it"))
        return info

    async def template_quota(self, access_token: str) -> TemplateQuota:
        """Today's allowance of template messages by telephone number."""
        data = _object(await self._read_zbs("/message/quota", access_token, {}))
        return TemplateQuota(as_int(as_text(data.get("dailyQuota"))), as_int(as_text(data.get("remainingQuota"))))

    async def _read_zbs(self, path: str, access_token: str, query: dict[str, str]) -> Any:
        try:
            data, _ = await self._call("GET", f"{self.business_url}{path}", access_token, params=query, host=Host.zbs)
        except OutcomeUnknown as error:
            raise _harmless(error) from None
        return data

    # --- uploads ---

    async def upload_image(self, access_token: str, filename: str, content: bytes) -> Uploaded:
        """A JPEG or PNG of at most 1 MiB."""
        return await self._upload("image", access_token, filename, content, (IMAGE_TYPES, IMAGE_LIMIT))

    async def upload_gif(self, access_token: str, filename: str, content: bytes) -> Uploaded:
        """A GIF of at most 5 MiB."""
        return await self._upload("gif", access_token, filename, content, (GIF_TYPES, GIF_LIMIT))

    async def upload_file(self, access_token: str, filename: str, content: bytes) -> Uploaded:
        """A PDF, DOC or DOCX of at most 5 MiB."""
        return await self._upload("file", access_token, filename, content, (FILE_TYPES, FILE_LIMIT))

    async def _upload(
        self, kind: str, access_token: str, filename: str, content: bytes, allowed: tuple[dict[str, str], int]
    ) -> Uploaded:
        types, limit = allowed
        suffix = PurePath(filename).suffix.lower()
        if suffix not in types:
            raise MessageInvalid("filename", f'"{suffix}": Zalo takes {", ".join(types)}')
        if not 0 < len(content) <= limit:
            raise MessageInvalid(
                "content", f"{len(content)} bytes, expected 1 to {limit}", length=len(content), limit=limit
            )
        form = aiohttp.FormData()
        form.add_field("file", content, filename=f"upload{suffix}", content_type=types[suffix])
        try:
            data, _ = await self._call(
                "POST",
                f"{self.openapi_url}/v2.0/oa/upload/{kind}",
                access_token,
                content=form,
                total_s=UPLOAD_TIMEOUT_S,
            )
        except OutcomeUnknown as error:
            raise _harmless(error) from None
        found = as_text(_object(data).get("attachment_id")) or as_text(_object(data).get("token"))
        if not found:
            raise _harmless(OutcomeUnknown("unreadable reply: no id of the upload"))
        return Uploaded(found, clock.now() + UPLOAD_LIFE)

    # --- tokens ---

    async def exchange_code(
        self, *, app_id: str, app_secret: str, code: str, code_verifier: str | None = None
    ) -> TokenPair:
        """`oauth.exchange_code` against this client's OAuth host."""
        return await oauth.exchange_code(
            self.http,
            oauth_url=self.oauth_url,
            app_id=app_id,
            app_secret=app_secret,
            code=code,
            code_verifier=code_verifier,
        )

    async def refresh(self, *, app_id: str, app_secret: str, refresh_token: str) -> TokenPair:
        """`oauth.refresh` against this client's OAuth host."""
        return await oauth.refresh(
            self.http, oauth_url=self.oauth_url, app_id=app_id, app_secret=app_secret, refresh_token=refresh_token
        )

    # --- the road ---

    async def _get(self, path: str, access_token: str, query: dict[str, Any] | None = None) -> Any:
        params = {"data": msgspec.json.encode(query).decode()} if query is not None else None
        try:
            data, _ = await self._call("GET", f"{self.openapi_url}{path}", access_token, params=params)
        except OutcomeUnknown as error:
            raise _harmless(error) from None
        return data

    async def _post(
        self, url: str, access_token: str, body: bytes, host: Host = Host.oa
    ) -> tuple[dict[str, Any], Rate | None]:
        data, rate = await self._call("POST", url, access_token, content=body, headers=_JSON, host=host)
        return _object(data), rate

    async def _call(
        self,
        method: str,
        url: str,
        access_token: str,
        *,
        params: dict[str, str] | None = None,
        content: Content = None,
        headers: dict[str, str] | None = None,
        host: Host = Host.oa,
        total_s: float | None = None,
    ) -> tuple[Any, Rate | None]:
        if not access_token or not access_token.isascii() or not access_token.isprintable():
            raise AccessTokenInvalid("the stored access token is empty or malformed; nothing was sent")
        sent = {"access_token": access_token, **(headers or {})}
        limits = {} if total_s is None else {"total_s": total_s}
        reply = await exchange(self.http, method, url, headers=sent, params=params, content=content, **limits)
        return read_envelope(reply, host, (access_token,)), reply.rate


def _object(data: Any) -> dict[str, Any]:
    return data if isinstance(data, dict) else {}


def _page(offset: int, count: int) -> dict[str, int]:
    if not 1 <= count <= PAGE_LIMIT:
        raise MessageInvalid("count", f"{count}: expected 1 to {PAGE_LIMIT}", limit=PAGE_LIMIT)
    if offset < 0:
        raise MessageInvalid("offset", f"{offset}: expected 0 or more")
    return {"offset": offset, "count": count}


def _harmless(error: OutcomeUnknown) -> OutcomeUnknown:
    """The same failure of a call that changes nothing for a citizen: it may be tried again."""
    return OutcomeUnknown(error.message, http_status=error.http_status, retryable=True, uncertain=False)


def _certain(sent: T | None) -> T:
    """What was sent; an answer that claims success but names no message leaves it open what happened."""
    if sent is None:
        raise OutcomeUnknown("unreadable reply: no message id in it")
    return sent
