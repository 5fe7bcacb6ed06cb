"""A touch as the message that goes out: words in the customer's language, our own links in place."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict

from huitou.messaging.channel import Address, Outgoing
from huitou.messaging.content import Content
from huitou.messaging.links import unsubscribe_url
from huitou.messaging.models import Touch

_PLACE = re.compile(r"\{(\w+)\}")


def render_touch(
    touch: Touch, *, key: str, to: Address, language: str, link: str, others: tuple[Address, ...] = ()
) -> Outgoing:
    """The message of a touch. `link` is its short link, empty where the content leads nowhere."""
    content = Content.from_json(touch.content)
    chosen, words = content.in_language(language)
    unsubscribe = unsubscribe_url(touch.pk)
    values = {**content.params, "link": link, "unsubscribe": unsubscribe}
    text = _filled(words.text, values)
    if link and "{link}" not in words.text:
        text = f"{text} {link}".strip()
    return Outgoing(
        touch_id=touch.pk,
        key=key,
        to=to,
        title=_filled(words.title, values),
        text=text,
        link=link,
        template=content.template,
        params={**content.params, **({"link": link} if link else {})},
        purpose=touch.purpose,
        language=chosen,
        source=touch.source,
        unsubscribe_url=unsubscribe,
        reply_token=touch.reply_token,
        others=others,
        extra=content.extra,
    )


def target_of(touch: Touch, language: str) -> str:
    """Where the content's link leads, empty for nowhere."""
    _chosen, words = Content.from_json(touch.content).in_language(language)
    return words.link


def request_digest(outgoing: Outgoing) -> str:
    """The same for the same message to the same address: 32 hexadecimal digits, which tell neither."""
    told = json.dumps(asdict(outgoing), sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def address_digest(address: Address) -> str:
    """A recipient without its value, by which receipts that share a reference are told apart."""
    told = f"{address.kind}\0{address.value.strip().lower()}"
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _filled(text: str, values: Mapping[str, str]) -> str:
    """The text with `{name}` filled in; a name that nobody gave stays as it is written."""
    return _PLACE.sub(lambda found: str(values.get(found.group(1), found.group(0))), text)
