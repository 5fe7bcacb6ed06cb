"""A real browser against a live server on real PostgreSQL; every page is watched for errors and refused content."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import hypothesis  # noqa: F401  # must be loaded before Playwright's loop runs: Python 3.11 cannot compile it later
import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from huitou.accounts.models import User
from huitou.accounts.services import create_first_admin
from huitou.core.clock import SystemClock

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
PASSWORD = "a long enough secret"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium of the machine; `make test` says how to install it."""
    # Playwright keeps an event loop running, which Django would take for asynchronous code.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS.split())
        yield chromium
        chromium.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@dataclass
class Console:
    """The console in one browser window. `troubles` gathers script errors, refused content and failed requests."""

    page: Page
    url: str
    troubles: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def speak(self, language: str) -> None:
        """zh-hans or en, by the cookie that the switch sets."""
        self.page.context.add_cookies([{"name": "django_language", "value": language, "url": self.url}])

    @contextmanager
    def expecting_refusal(self) -> Iterator[None]:
        """For a form that is answered with 422: Chromium tells of it as of an error."""
        before = len(self.troubles)
        yield
        self.page.wait_for_load_state()
        self.troubles[before:] = [told for told in self.troubles[before:] if "422" not in told]

    def settle(self) -> None:
        """Until everything that the page asked for by itself has been drawn; it asks while it loads."""
        self.page.wait_for_load_state()
        busy = ".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added"
        self.page.wait_for_function("busy => document.querySelector(busy) === null", arg=busy)

    def log_in(self, user: User) -> None:
        """As after the login page, which has tests of its own."""
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        self.page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.url}])


@pytest.fixture
def console(browser: Browser, live_server: LiveServer) -> Iterator[Console]:
    """A signed-in console on an empty store."""
    cache.clear()
    create_first_admin(clock=SystemClock(), password=PASSWORD)
    admin = User.objects.get()
    window: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    found = Console(window.new_page(), live_server.url)
    found.page.set_default_timeout(15_000)

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            found.troubles.append(f"{found.page.url}: {message.text}")

    found.page.on("console", hear)
    found.page.on("pageerror", lambda error: found.troubles.append(f"{found.page.url}: {error}"))
    found.log_in(admin)
    yield found
    window.close()
    assert found.troubles == []
