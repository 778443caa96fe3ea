"""Where Zalo leads an administrator back after the consent, and the files by which it verifies our domain."""

from typing import Annotated, Any

import structlog
from litestar import MediaType, Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter
from litestar.status_codes import HTTP_200_OK

from govchat.access.guards import PUBLIC
from govchat.connect.consent import CALLBACK, Came, ConsentRefused, finish
from govchat.connect.page import page
from govchat.connect.verifier import CODE, content_of
from govchat.db.away import is_away
from govchat.errors import DomainError
from govchat.tenants.credentials import Credentials
from govchat.tenants.registry import Registry
from govchat.zalo.client import ZaloClient

log = structlog.get_logger()

# The address holds a single-use code: no cache keeps it, no other site is told it.
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}

File = Annotated[str, PathParameter(max_length=120, description="zalo_verifier, the code and .html")]


def _html(status: int, content: str) -> Response[str]:
    return Response(content, status_code=status, media_type=MediaType.HTML, headers=HEADERS)


@get(
    CALLBACK,
    operation_id="finish_zalo_consent",
    summary="Zalo leads an administrator back after the consent",
    media_type=MediaType.HTML,
    responses={
        HTTP_200_OK: ResponseSpec(str, description="The Official Account is connected", media_type=MediaType.HTML)
    },
    opt={PUBLIC: "the state is signed by us, good once, and bound to tenant and administrator"},
    tags=["Zalo"],
)
async def callback(request: Request[Any, Any, Any]) -> Response[str]:
    """The query holds `state`, `code` and `oa_id`; the answer is a page in Vietnamese, with 400 or 503 one that says what to do."""
    query = request.query_params
    came = Came(state=query.get("state", ""), code=query.get("code", ""), oa_id=query.get("oa_id", ""))
    registry: Registry = request.app.state.registry
    settings = registry.settings
    try:
        async with ZaloClient.open(
            openapi_url=settings.zalo_openapi_url,
            oauth_url=settings.zalo_oauth_url,
            business_url=settings.zalo_business_url,
            connections=4,
        ) as zalo:
            done = await finish(registry, Credentials(registry, zalo.http, settings.zalo_oauth_url), zalo, came)
    except ConsentRefused as refused:
        return _html(400, page("Chưa kết nối được Official Account", refused.detail, refused.todo, good=False))
    except Exception as error:
        if not isinstance(error, DomainError) and not is_away(error):
            raise
        log.warning("consent.not_finished", error=type(error).__name__)
        again = "Vui lòng đợi ít phút rồi đề nghị cán bộ kỹ thuật gửi lại đường dẫn cấp quyền."
        return _html(503, page("Hệ thống tạm thời chưa xử lý được", again, good=False))
    return _html(
        200,
        page(
            "Đã kết nối Official Account",
            f"Official Account “{done.oa_name}” ({done.oa_id}) đã được kết nối với hệ thống của {done.full_name}.",
            f"Quyền được cấp theo đường dẫn lập cho: {done.admin}. Có thể đóng trang này.",
            good=True,
        ),
    )


@get(
    "/{file:str}",
    operation_id="read_zalo_verifier",
    summary="Zalo reads the file that verifies our domain",
    media_type=MediaType.HTML,
    responses={HTTP_200_OK: ResponseSpec(str, description="The file", media_type=MediaType.HTML)},
    opt={PUBLIC: "made to be read by Zalo"},
    tags=["Zalo"],
)
async def verifier(request: Request[Any, Any, Any], file: File) -> Response[str]:
    """`/zalo_verifier{code}.html`; every other name is 404."""
    named = CODE.fullmatch(file)
    content = await content_of(request.app.state.registry, named["code"]) if named else None
    if content is None:
        raise NotFoundException()
    return Response(content, media_type=MediaType.HTML)


router = Router("/", route_handlers=[callback, verifier])
