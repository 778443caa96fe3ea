"""The ceiling of the intake: a Litestar endpoint on the same server that only reads the body."""

import sys

import uvicorn
from litestar import Litestar, Request, Response, post


@post("/webhooks/zalo/{key:str}", status_code=200)
async def read_body(request: Request, key: str) -> Response[bytes]:  # type: ignore[type-arg]  # noqa: ARG001
    """Read the body, answer."""
    await request.body()
    return Response(b"{}", media_type="application/json")


if __name__ == "__main__":
    app = Litestar([read_body], openapi_config=None, logging_config=None)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
    )
