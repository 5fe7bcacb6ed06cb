"""What apps plug into the console: pages, cards, and facts about the brand, found in each app's `pages.py`.

An installed app of ours may have a `pages.py` with any of

- `urlpatterns`: its URLs,
- `PAGES`: its entries in the navigation,
- `CARDS`: what it shows on pages that join several apps,
- `shell_context`: a function of the request that says whose console this is and what every page must tell.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.http import HttpRequest
from django.urls import Resolver404, URLPattern, URLResolver, resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise

# Stages of the loop, in the order of the navigation. Pages of `home` stand above them without a heading.
SECTIONS: dict[str, Text] = {
    "home": "",
    "connect": _("Connect"),
    "understand": _("Understand"),
    "decide": _("Decide"),
    "act": _("Act"),
    "learn": _("Learn"),
    "platform": _("Platform"),
}


@dataclass(frozen=True)
class Door:
    """What it takes to open a view: a permission to look and one to change something; empty: anybody signed in."""

    look: str
    change: str

    def needed(self, method: str) -> str:
        """The permission for a request by that HTTP method."""
        return self.look if method in {"GET", "HEAD", "OPTIONS"} else self.change


@dataclass(frozen=True)
class Page:
    """One entry of the navigation. `url_name` is a URL name without arguments, `icon` a symbol of icons.svg."""

    slug: str
    section: str
    title: Text
    icon: str
    order: int
    url_name: str


@dataclass(frozen=True)
class Card:
    """One block on a page that joins apps. `render` gets the request and the page's subject (a customer id,
    or None) and returns safe HTML; an empty string leaves the card out. `permission` names who gets to see it.
    """

    place: str
    order: int
    render: Callable[[HttpRequest, Any], str]
    permission: str = ""


@dataclass(frozen=True)
class Banner:
    """A sentence at the head of every page, and what to do about it."""

    text: Text
    tone: str = "info"
    action_label: Text = ""
    action_url: str = ""


@dataclass(frozen=True)
class ShellContext:
    """Whose console this is and what every page says."""

    brand_name: Text = ""
    banners: Sequence[Banner] = ()


@dataclass(frozen=True)
class NavigationSection:
    """One heading of the navigation with its pages in order."""

    key: str
    title: Text
    pages: tuple[Page, ...]


@dataclass(frozen=True)
class Registry:
    """Everything the installed apps plug in."""

    pages: tuple[Page, ...] = ()
    cards: tuple[Card, ...] = ()
    contexts: tuple[Callable[[HttpRequest], ShellContext], ...] = ()
    urls: tuple[URLPattern | URLResolver, ...] = field(default=())


def _page_modules() -> Iterator[ModuleType]:
    for config in apps.get_app_configs():
        name = f"{config.name}.pages"
        if config.name.startswith("huitou.") and importlib.util.find_spec(name) is not None:
            yield importlib.import_module(name)


def read_registry(modules: Iterable[ModuleType]) -> Registry:
    """Gather the attributes of these modules.

    Raises
    ------
    ValueError
        A page names no known section, or two pages share a slug.
    """
    pages: list[Page] = []
    cards: list[Card] = []
    contexts: list[Callable[[HttpRequest], ShellContext]] = []
    urls: list[URLPattern | URLResolver] = []
    for module in modules:
        pages += getattr(module, "PAGES", [])
        cards += getattr(module, "CARDS", [])
        urls += getattr(module, "urlpatterns", [])
        if hasattr(module, "shell_context"):
            contexts.append(module.shell_context)
    seen: set[str] = set()
    for page in pages:
        if page.section not in SECTIONS:
            raise ValueError(f"page {page.slug}: no section {page.section}")
        if page.slug in seen:
            raise ValueError(f"two pages are called {page.slug}")
        seen.add(page.slug)
    return Registry(
        pages=tuple(sorted(pages, key=lambda p: (list(SECTIONS).index(p.section), p.order, p.slug))),
        cards=tuple(sorted(cards, key=lambda c: c.order)),
        contexts=tuple(contexts),
        urls=tuple(urls),
    )


@cache
def registry() -> Registry:
    """What the installed apps plug in, read once per process."""
    return read_registry(_page_modules())


def navigation(pages: Sequence[Page]) -> list[NavigationSection]:
    """The sections that have pages, in order."""
    return [
        NavigationSection(key=key, title=title, pages=chosen)
        for key, title in SECTIONS.items()
        if (chosen := tuple(page for page in pages if page.section == key))
    ]


def render_cards(place: str, request: HttpRequest, subject: Any = None) -> list[str]:
    """The HTML of every card registered for `place`, in order, without the empty ones."""
    return [
        html
        for card in registry().cards
        if card.place == place
        and (not card.permission or request.user.has_perm(card.permission))
        and (html := card.render(request, subject))
    ]


def may_open(user: AbstractBaseUser | PermissionsMixin | AnonymousUser, address: str, method: str = "GET") -> bool:
    """Whether the view behind a path of ours is open to this user; addresses that lead nowhere are open to nobody."""
    try:
        view = resolve(urlsplit(address).path).func
    except Resolver404:
        return False
    if not getattr(view, "login_required", True):
        return True
    door: Door | None = getattr(view, "door", None)
    if door is None or isinstance(user, AnonymousUser) or not isinstance(user, PermissionsMixin):
        return False
    needed = door.needed(method)
    return not needed or user.has_perm(needed)


def context(request: HttpRequest) -> Mapping[str, object]:
    """Template context of every page: navigation, brand, banners, theme."""
    return {"shell": _Shell(request)}


class _Shell:
    """Read lazily, so that fragments fetched by HTMX do not pay for navigation and banners."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def sections(self) -> list[NavigationSection]:
        open_ = [page for page in registry().pages if may_open(self._request.user, reverse(page.url_name))]
        return navigation(open_)

    @property
    def current(self) -> str:
        """Slug of the page that is open: its own URL name, or the part of it before the first underscore."""
        match = self._request.resolver_match
        name = match.url_name or "" if match else ""
        for page in registry().pages:
            if page.url_name == name or (page.url_name and name.startswith(f"{page.url_name}_")):
                return page.slug
        return ""

    @property
    def theme(self) -> str:
        """light or dark where the operator chose, else empty: the device decides."""
        chosen = self._request.COOKIES.get("huitou_theme", "")
        return chosen if chosen in {"light", "dark"} else ""

    @property
    def facts(self) -> ShellContext:
        found = [hook(self._request) for hook in registry().contexts]
        return ShellContext(
            brand_name=next((f.brand_name for f in found if f.brand_name), ""),
            banners=[banner for f in found for banner in f.banners],
        )
