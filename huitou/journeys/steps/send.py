"""send: asks for one touch of each customer. The governor decides when its time has come whether it goes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from huitou.journeys.problems import Problem
from huitou.journeys.setting import LANGUAGES, Setting, read_duration, read_instant
from huitou.journeys.step import NEXT, Arrival, Go, Outcome, Step, StepContext, one_way
from huitou.messaging.channel import find_channel
from huitou.messaging.services import Content, TouchRequest, Words, are_products, request_touches

VALID = "48h"
SENT, CONTROL = "requested", "control"


def _run(context: StepContext, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
    settings = context.settings
    content = read_content(settings)
    valid = read_duration(settings.get("valid") or VALID)
    after = read_duration(settings["fallback_after"]) if settings.get("fallback_after") else None
    requests = [
        TouchRequest(
            key=arrival.key,
            customer_id=arrival.customer_id,
            source=context.source,
            step=context.step_id,
            channels=tuple(settings["channels"]),
            purpose=context.purpose,
            priority=settings.get("priority") or 0,
            content=content,
            send_after=arrival.at,
            not_after=arrival.at + valid,
            fallback_after=after,
            planned_by=f"{context.journey}/{context.step_id}",
            best_time=settings.get("when") == "best",
        )
        for arrival in arrivals
        if arrival.acts
    ]
    if requests:
        request_touches(requests, clock=context.clock)
    return [Go(NEXT, SENT if arrival.acts else CONTROL) for arrival in arrivals]


def read_content(settings: Mapping[str, Any]) -> Content:
    """What the step says, in both languages."""
    words = {
        language: Words(
            title=(settings.get("title") or {}).get(language, ""),
            text=(settings.get("text") or {}).get(language, ""),
            link=settings.get("link") or "",
        )
        for language in LANGUAGES
    }
    until = settings.get("valid_until")
    return Content(
        words=words,
        template=settings.get("template") or "",
        products=_codes(settings),
        valid_until=read_instant(until) if until else None,
    )


def _codes(settings: Mapping[str, Any]) -> tuple[str, ...]:
    said = str(settings.get("products") or "").replace("，", ",")
    return tuple(code.strip() for code in said.split(",") if code.strip())


def _check(settings: Mapping[str, Any], path: str) -> Iterator[Problem]:
    channels = settings.get("channels")
    for position, named in enumerate(channels if isinstance(channels, list) else ()):
        if isinstance(named, str) and find_channel(named.split("/", 1)[0]) is None:
            place = f"{path}.channels[{position}]"
            yield Problem(place, "unknown_channel", _("There is no channel %(channel)s."), {"channel": named[:60]})
    link = settings.get("link")
    if isinstance(link, str) and link and not link.startswith(("https://", "http://")):
        yield Problem(f"{path}.link", "no_link", _("A link begins with https://."))
    if not are_products(_codes(settings)):
        told = _("Name at most 50 products, each by its code of at most 200 characters.")
        yield Problem(f"{path}.products", "no_products", told)


def _tell(settings: Mapping[str, Any]) -> str:
    channels = [find_channel(str(named).split("/", 1)[0]) for named in settings.get("channels") or ()]
    return " → ".join(str(channel.label) for channel in channels if channel is not None)


STEP = Step(
    kind="send",
    label=_("Send"),
    help=_("Asks for one message to each customer; consent, quiet hours and caps are looked at when its time comes."),
    icon="send",
    settings=(
        Setting("channels", "channels", _("Channels"), _("In order of preference."), required=True),
        Setting("title", "words", _("Title"), most=200),
        Setting("text", "long_words", _("Text"), _("{link} is where the short link stands."), required=True, most=2000),
        Setting("link", "text", _("Link"), "https://…", most=1000),
        Setting("template", "text", _("Template"), _("The provider's code, where the channel needs one."), most=100),
        Setting("valid", "duration", _("Worth sending for"), _("After this it is not sent any more; empty: 48 hours.")),
        Setting("valid_until", "instant", _("Content is true until")),
        Setting(
            "products",
            "text",
            _("Products it names"),
            _("Codes with commas between; one that leaves the catalog stops the message."),
            most=1000,
        ),
        Setting("fallback_after", "duration", _("Next channel if unread after")),
        Setting(
            "when",
            "choice",
            _("When"),
            default="soon",
            choices=(("soon", _("as soon as it may go out")), ("best", _("at the customer's own active hours"))),
        ),
        Setting(
            "priority", "whole", _("Priority"), _("Higher ones win where a cap leaves room for one."), least=0, most=100
        ),
    ),
    run=_run,
    outlets=one_way,
    tell=_tell,
    check=_check,
)
