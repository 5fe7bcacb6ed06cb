"""Every write to feeds by people."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.sources.models import Feed

_LONGEST = timedelta(days=400)


class FeedUnknownError(DomainError):
    """No feed of that name has sent anything."""

    code = "feed_unknown"
    status = 404


class ExpectationInvalidError(DomainError):
    """A silence that no feed could keep."""

    code = "expectation_invalid"
    status = 422


def expect_feed(
    *, source: str, expected: timedelta | None, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> Feed:
    """Say how long a feed may be silent before it is late; None: as its own past shows.

    Raises FeedUnknownError or ExpectationInvalidError.
    """
    if expected is not None and not timedelta(minutes=1) <= expected <= _LONGEST:
        raise ExpectationInvalidError(_("Say a silence between one minute and 400 days."))
    with transaction.atomic():
        feed = Feed.objects.select_for_update().filter(source=source).first()
        if feed is None:
            raise FeedUnknownError(_("No feed called %(source)s has sent anything yet.") % {"source": source})
        seconds = None if expected is None else int(expected.total_seconds())
        if feed.expected_seconds != seconds:
            feed.expected_seconds = seconds
            feed.save(update_fields=["expected_seconds"])
            record_audit(
                action="feed.expectation_set",
                clock=clock,
                actor=actor,
                actor_label=actor_label,
                target=source,
                detail={"expected_seconds": seconds},
            )
    return feed
