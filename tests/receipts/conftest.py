"""The API with a province's one-stop system beside it, and a browser."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright
from tests.house import House, open_house
from tests.receipts.counter import Counter

from govchat.settings import Settings


@pytest.fixture(scope="module")
async def house(settings: Settings) -> AsyncIterator[House]:
    async with open_house(settings, worker=False) as house:
        yield house


@pytest.fixture(scope="module")
async def counter(house: House) -> Counter:
    return Counter(house, "lam-dong", await house.key("lam-dong"))


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    assert found, "no Chromium found: install one (apt-get install chromium) or set CHROMIUM to its path"
    async with async_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        browser = await playwright.chromium.launch(executable_path=found, args=flags)
        yield browser
        await browser.close()
