"""What a touch says and what is asked for: plain values that are kept as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

MARKETING, SERVICE = "marketing", "service"
PURPOSES = (MARKETING, SERVICE)
LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Words:
    """The content in one language. `{link}` in the text is where the short link stands; without it, at the end."""

    title: str = ""
    text: str = ""
    link: str = ""


@dataclass(frozen=True)
class Content:
    """What a touch says, by language (zh, en), and the provider's template where the channel needs one.

    `params` fill the provider's template, or `{name}` in the texts. `extra` is for the channel alone. After
    `valid_until` what it says is not true any more; `products` are the codes of products that it names. It is sent only
    while it is true and the catalog knows them all.
    """

    words: Mapping[str, Words]
    template: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    valid_until: datetime | None = None
    products: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        told = {
            language: {name: value for name, value in vars(words).items() if value}
            for language, words in self.words.items()
        }
        kept: dict[str, Any] = {"words": told}
        for name in ("template", "params", "extra"):
            if value := getattr(self, name):
                kept[name] = dict(value) if isinstance(value, Mapping) else value
        if self.valid_until is not None:
            kept["valid_until"] = self.valid_until.isoformat()
        if self.products:
            kept["products"] = list(self.products)
        return kept

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Content:
        """As it was kept."""
        words = {language: Words(**told) for language, told in kept.get("words", {}).items()}
        until = kept.get("valid_until")
        return cls(
            words,
            kept.get("template", ""),
            kept.get("params", {}),
            kept.get("extra", {}),
            datetime.fromisoformat(until) if until else None,
            tuple(kept.get("products", ())),
        )

    @property
    def digest(self) -> str:
        """The same for the same content: 32 hexadecimal digits."""
        told = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False)
        return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def in_language(self, language: str) -> tuple[str, Words]:
        """The words in that language, else in the first there is."""
        for code in (language, *LANGUAGES, *self.words):
            if code in self.words:
                return code, self.words[code]
        return language, Words()


@dataclass(frozen=True)
class TouchRequest:
    """One contact that somebody wants to make.

    `key` is unique for ever: the same key again is the same touch. `source` says who asks (`launch:12`, `manual:7`,
    `test:7`), `step` which step of it. `channels` in order of preference are kinds, or `kind/account name`. It goes
    out between `send_after` and `not_after`, the sooner the better; where several compete for one place under a cap,
    the higher `priority` wins. `fallback_after`: unread for so long, the next channel is tried. `best_time`: wait for
    the customer's own hours inside the window. `valid_until` of the content (a benefit that ends) stops it earlier.
    `planned_at` and `planned_by` are when and why it was meant to reach the customer.
    """

    key: str
    customer_id: int
    source: str
    channels: tuple[str, ...]
    content: Content
    send_after: datetime
    not_after: datetime
    step: str = ""
    purpose: str = MARKETING
    priority: int = 0
    fallback_after: timedelta | None = None
    planned_by: str = ""
    best_time: bool = False
    valid_until: datetime | None = None
    variant: str = ""
