"""Apps plug into the console by their `pages.py` alone; the shell orders what it finds and refuses nonsense."""

from __future__ import annotations

from types import ModuleType

import pytest

from huitou.console.shell import Card, Page, navigation, read_registry


def _module(**attributes: object) -> ModuleType:
    module = ModuleType("pages")
    vars(module).update(attributes)
    return module


def _page(slug: str, section: str, order: int = 1) -> Page:
    return Page(slug, section, slug.title(), "home", order, slug)


def test_navigation_follows_the_loop_and_leaves_empty_stages_out() -> None:
    first = _module(PAGES=[_page("b", "understand", 2), _page("s", "platform")])
    second = _module(PAGES=[_page("a", "understand", 1), _page("d", "connect"), _page("o", "home")])
    sections = navigation(read_registry([first, second]).pages)
    assert [(s.key, [p.slug for p in s.pages]) for s in sections] == [
        ("home", ["o"]),
        ("connect", ["d"]),
        ("understand", ["a", "b"]),
        ("platform", ["s"]),
    ]


def test_cards_keep_their_order_over_apps() -> None:
    cards = [Card("customer", order, lambda _request, _subject: "") for order in (3, 1)]
    found = read_registry([_module(CARDS=cards[:1]), _module(CARDS=cards[1:])])
    assert [card.order for card in found.cards] == [1, 3]


@pytest.mark.parametrize("pages", [[_page("x", "nowhere")], [_page("x", "home"), _page("x", "act")]])
def test_an_unknown_section_or_a_repeated_page_stops_the_start(pages: list[Page]) -> None:
    with pytest.raises(ValueError, match="x"):
        read_registry([_module(PAGES=pages)])
