"""What is wrong with a feed and what to do about it, in words; lengths of time as people say them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from huitou.console.formats import format_day, format_value
from huitou.sources.feeds.queries import FILES, FeedView

_BAD = ("letters_full", "late", "rejected", "gap")


@dataclass(frozen=True)
class Advice:
    """One thing that is wrong: short for a tag, whole for a list, what mends it, and where."""

    tag: str
    text: str
    remedy: str
    tone: str
    url: str = ""
    link: str = ""


def advise(feed: FeedView, silence: timedelta | None) -> list[Advice]:
    """What is wrong with the feed, worst first. `silence` is how long it has been silent."""
    return [_advice(code, feed, silence) for code in feed.attention]


def _advice(code: str, feed: FeedView, silence: timedelta | None) -> Advice:
    tag, text, remedy = _WORDS[code](feed, silence)
    url, link = "", ""
    if code in ("invalid", "incomplete"):
        url = f"{reverse('data_plan')}?{urlencode({'source': feed.source})}#problems"
        link = _("See the problems")
    elif code == "late" and feed.is_connected:
        url, link = reverse("data_connections"), _("See the connections")
    elif code == "rejected" and feed.kind == FILES:
        url, link = reverse("data"), _("See the imports")
    elif code in ("rejected", "letters_full"):
        url, link = f"{reverse('data_letters')}?{urlencode({'source': feed.source})}", _("See the dead letters")
    elif code in ("never_sent", "no_channel"):
        url, link = reverse("settings_keys"), _("Keys")
    tone = "bad" if code in _BAD else "info" if code == "never_sent" else "warn"
    return Advice(tag, text, remedy, tone, url, link)


def _share(feed: FeedView, name: str) -> str:
    return format_value(feed.share(name), "rate")


def _never_sent(feed: FeedView, silence: timedelta | None) -> tuple[str, str, str]:
    return (
        _("nothing yet"),
        _("Nothing has arrived yet; the write key is ready: %(keys)s.") % {"keys": ", ".join(feed.keys)},
        _("Put the key and this server's address into the SDK, send one event, and look here again."),
    )


def _late(feed: FeedView, silence: timedelta | None) -> tuple[str, str, str]:
    told = {"silence": format_length(silence), "expected": format_length(feed.expected)}
    if feed.is_connected:
        return (
            _("late"),
            _("The last good pull was %(silence)s ago.") % told,
            _("See with the connection what is wrong and what to do."),
        )
    if feed.kind == FILES:
        return (
            _("late"),
            _("The last file came %(silence)s ago; usually they come every %(expected)s.") % told,
            _("Export the newest orders from the shop and import them."),
        )
    return (
        _("late"),
        _("Silent for %(silence)s; usually it is silent for at most %(expected)s.") % told,
        _("Ask whoever runs the sender whether it is down. If this silence is normal, set a longer one on its page."),
    )


def _rejected(feed: FeedView, silence: timedelta | None) -> tuple[str, str, str]:
    if feed.kind == FILES:
        return (
            _("refused rows"),
            _("%(share)s of the rows were refused.") % {"share": _share(feed, "rejected")},
            _("Download the refused rows of the import, correct them and import them again."),
        )
    return (
        _("refused"),
        _("%(share)s of the events were refused; %(count)s wait as dead letters.")
        % {"share": _share(feed, "rejected"), "count": format_value(feed.letters, "count")},
        _("Read the reasons, mend the sender, and replay what was refused."),
    )


def _letters_full(feed: FeedView, silence: timedelta | None) -> tuple[str, str, str]:
    waiting, limit = (feed.fullness.waiting, feed.fullness.limit) if feed.fullness else (0, 0)
    return (
        _("many refused"),
        _("%(waiting)s dead letters wait; from %(limit)s on, requests with refused events have to come later.")
        % {"waiting": format_value(waiting, "count"), "limit": format_value(limit, "count")},
        _("Mend the sender, then replay what waits or discard it."),
    )


def _invalid(feed: FeedView, silence: timedelta | None) -> tuple[str, str, str]:
    return (
        _("not as planned"),
        _("%(share)s of the events lack something that is required, or have a wrong type or value.")
        % {"share": _share(feed, "invalid")},
        _("They were taken all the same. Mend the sender, or declare what it sends in the tracking plan."),
    )


def _incomplete(feed: FeedView, silence: timedelta | None) -> tuple[str, str, str]:
    return (
        _("incomplete"),
        _("Only %(share)s of the events have all their required properties.") % {"share": _share(feed, "complete")},
        _("Figures that need the missing ones leave these events out. Let the sender fill them."),
    )


def _gap(feed: FeedView, silence: timedelta | None) -> tuple[str, str, str]:
    days = ", ".join(format_day(day.day) for day in feed.days if day.is_gap)
    return (
        _("gap"),
        _("Less than half of the usual came on %(days)s.") % {"days": days},
        _("Ask whoever runs the sender what happened. What the SDK kept back still counts when it arrives."),
    )


def _repeated(feed: FeedView, silence: timedelta | None) -> tuple[str, str, str]:
    return (
        _("repeats"),
        _("%(share)s of the events came more than once; each counts once.") % {"share": _share(feed, "repeated")},
        _("Nothing is wrong with the figures. Check why the sender repeats what was acknowledged."),
    )


def _clock(feed: FeedView, silence: timedelta | None) -> tuple[str, str, str]:
    return (
        _("clocks off"),
        _("On %(share)s of the events the device's clock was off by more than a minute.")
        % {"share": _share(feed, "corrected")},
        _("Their times were corrected by the time of sending. If they come from your server, set its clock."),
    )


def _no_user(feed: FeedView, silence: timedelta | None) -> tuple[str, str, str]:
    return (
        _("anonymous"),
        _("Only %(share)s of the events name the customer.") % {"share": _share(feed, "with_user")},
        _("Call identify with your customer number after the login, so that visits belong to somebody you can reach."),
    )


def _no_channel(feed: FeedView, silence: timedelta | None) -> tuple[str, str, str]:
    return (
        _("no channel"),
        _("Only %(share)s of the events say where they happened.") % {"share": _share(feed, "with_channel")},
        _("Give the write key a channel, or send the property channel."),
    )


_WORDS = {
    "never_sent": _never_sent,
    "letters_full": _letters_full,
    "late": _late,
    "rejected": _rejected,
    "invalid": _invalid,
    "incomplete": _incomplete,
    "gap": _gap,
    "repeated": _repeated,
    "clock": _clock,
    "no_user": _no_user,
    "no_channel": _no_channel,
}


def format_length(length: timedelta | None) -> str:
    """A length of time in its largest unit: 3 minutes, 5 hours, 2 days."""
    if length is None:
        return "–"
    minutes = max(1, round(length.total_seconds() / 60))
    if minutes < 120:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    hours = round(minutes / 60)
    if hours < 48:
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    days = round(hours / 24)
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
