"""What the doctor looks at about data on their way in: the inbox, dead letters, imports, kept uploads."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Min
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.core.clock import Clock
from huitou.core.doctor import FAIL, OK, WARN, Check
from huitou.sources.connections.queries import list_connections, view_connection
from huitou.sources.dead_letters import measure_fullness
from huitou.sources.models import ImportRun, InboxEvent

_WAIT = timedelta(minutes=5)
_STUCK = timedelta(hours=6)
_UPLOAD_SECONDS = 7 * 86_400


def check_inbox(clock: Clock) -> tuple[str, str, str]:
    """Events that are acknowledged and not consumed yet. Counted up to a limit: a long inbox is not read whole."""
    limit = 1_000_000
    oldest = InboxEvent.objects.aggregate(at=Min("received_at"))["at"] if InboxEvent.objects.exists() else None
    if oldest is None:
        return OK, _("empty"), ""
    if held := InboxEvent.objects.filter(pk__lt=0)[:limit].count():
        detail = _("%(count)s events were refused and find no room among the dead letters; they are held") % {
            "count": f"{held:,}"
        }
        mend = _("Nothing is lost. Replay or discard dead letters of their feed; held events follow within a minute.")
        return WARN, detail, mend
    waiting = InboxEvent.objects.all()[:limit].count()
    seconds = (clock.now() - oldest).total_seconds()
    detail = _("%(count)s wait, the oldest for %(seconds)s s") % {"count": f"{waiting:,}", "seconds": f"{seconds:.0f}"}
    mend = _("The worker consumes them; start one more: huitou worker. Nothing is lost meanwhile.")
    return (WARN if seconds > _WAIT.total_seconds() else OK), detail, mend


def check_dead_letters(_clock: Clock) -> tuple[str, str, str]:
    """Events that were refused and wait for somebody to decide."""
    feeds = measure_fullness()
    if near := [feed for feed in feeds if feed.is_near]:
        listed = ", ".join(f"{feed.source} {feed.waiting:,}" for feed in near)
        detail = _("at most %(limit)s of a feed may wait; nearly or already full: %(feeds)s") % {
            "limit": f"{near[0].limit:,}",
            "feeds": listed,
        }
        mend = _(
            "Senders of refused events are asked to come later when it is full. Mend them, then replay or discard what "
            "waits: huitou events discard --source ... --reason ... The limit is HUITOU_LETTERS_MAX_OPEN."
        )
        return (FAIL if any(feed.is_full for feed in near) else WARN), detail, mend
    count = sum(feed.waiting for feed in feeds)
    mend = _("See why on the Data page, mend the cause and replay them.")
    return (WARN if count else OK), (_("%(count)s wait") % {"count": f"{count:,}"} if count else _("none")), mend


def check_imports(clock: Clock) -> tuple[str, str, str]:
    """Imports that were begun and are not over."""
    begun = ImportRun.objects.exclude(state__in=("done", "failed")).order_by("created_at")
    first = begun.first()
    if first is None:
        return OK, _("none is open"), ""
    detail = _("%(count)s open, the oldest is %(name)s") % {"count": begun.count(), "name": first.file_name}
    mend = _("Every start of huitou up takes up what was interrupted.")
    return (WARN if clock.now() - first.created_at > _STUCK else OK), detail, mend


def check_uploads(clock: Clock) -> tuple[str, str, str]:
    """Uploaded files that nobody imported or discarded: they hold customers' data for nothing."""
    folder = settings.HOME.uploads
    used = set(ImportRun.objects.exclude(state="done").values_list("file_path", flat=True))
    old = [
        entry
        for entry in (folder.iterdir() if folder.is_dir() else [])
        if clock.now().timestamp() - entry.stat().st_mtime > _UPLOAD_SECONDS
        and not any(path.startswith(str(entry)) for path in used)
    ]
    detail = _("%(count)s older than a week") % {"count": len(old)}
    return (WARN if old else OK), detail, _("Delete what is not needed any more in %(folder)s.") % {"folder": folder}


def check_connections(clock: Clock) -> tuple[str, str, str]:
    """Outside systems that are pulled on schedule."""
    views = [view_connection(row, clock) for row in list_connections()]
    if not views:
        return OK, _("none"), ""
    stopped = [view for view in views if view.connection.state == "stopped"]
    failing = [view for view in views if view.is_late or view.connection.failures]
    wrong = stopped or failing
    if not wrong:
        return OK, _("%(count)s on time or paused") % {"count": len(views)}, ""
    first = wrong[0]
    told = {"name": first.connection.name, "error": first.error or _("late")}
    mend = first.remedy or _("The worker pulls them; start it: huitou worker.")
    return (FAIL if stopped else WARN), _("%(name)s: %(error)s") % told, mend


CHECKS = [
    Check("inbox", gettext_lazy("Inbox"), check_inbox),
    Check("dead_letters", gettext_lazy("Dead letters"), check_dead_letters),
    Check("imports", gettext_lazy("Imports"), check_imports),
    Check("connections", gettext_lazy("Connections"), check_connections),
    Check("uploads", gettext_lazy("Uploads"), check_uploads),
]
