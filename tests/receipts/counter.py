"""A one-stop counter of one province, and a browser the size of a phone."""

import itertools
from typing import Any

from playwright.async_api import Browser, Page
from tests.house import House

_numbers = itertools.count(1)


class Counter:
    """A one-stop counter of one province."""

    def __init__(self, house: House, slug: str, key: str) -> None:
        self.house, self.slug = house, slug
        self.headers = {"Authorization": f"Bearer {key}"}

    async def dossier(self, prefix: str = "H36.01", **changes: Any) -> str:
        code = f"{prefix}-261103-{next(_numbers) + 5000:04d}"
        await self.house.put_dossier(self.slug, code, **changes)
        return code

    async def call(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        async with self.house.http.request(
            method, f"{self.house.url}/v1/dossiers/{path}", headers=self.headers
        ) as answer:
            return answer.status, dict(answer.headers), await answer.read()

    async def receipt(self, code: str, kind: str) -> bytes:
        status, _, content = await self.call("GET", f"{code}/receipt.{kind}")
        assert status == 200, content
        return content


async def phone(browser: Browser, **options: Any) -> Page:
    """A page of a small phone that notes every request and every complaint of the browser."""
    context = await browser.new_context(
        viewport={"width": 360, "height": 740}, device_scale_factor=2, locale="vi-VN", **options
    )
    page = await context.new_page()
    page.set_default_timeout(60_000)
    return page
