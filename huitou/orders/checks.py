"""What the doctor looks at about figures: how old they are."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.core.clock import Clock
from huitou.core.doctor import FAIL, OK, SKIPPED, WARN, Check
from huitou.core.models import RefreshRun
from huitou.orders.queries import last_refresh

# The schedule is hourly; a refresh of a large store may take its time.
_OLD = timedelta(hours=26)


def check_refresh(clock: Clock) -> tuple[str, str, str]:
    """When the figures were computed last, and whether the latest try failed."""
    latest = RefreshRun.objects.order_by("-pk").first()
    if latest is None:
        return SKIPPED, _("nothing was computed yet"), ""
    done = last_refresh()
    if latest.error:
        return FAIL, latest.error.strip().splitlines()[-1][:200], _("Try again and see: huitou refresh")
    if done is None or done.finished_at is None:
        return WARN, _("the first refresh has not finished"), _("Run it and see: huitou refresh")
    age = clock.now() - done.finished_at
    minutes = round(age.total_seconds() / 60)
    detail = _("finished %(minutes)s minutes ago") % {"minutes": minutes}
    if minutes >= 120:
        detail = _("finished %(hours)s hours ago") % {"hours": round(minutes / 60)}
    return (WARN if age > _OLD else OK), detail, _("The worker refreshes every hour; is it running? huitou worker")


CHECKS = [Check("refresh", gettext_lazy("Refresh"), check_refresh)]
