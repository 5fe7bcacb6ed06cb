"""Which lake belongs to this database: a random id that lies in both, written before the first rows.

Versions that the database has recorded mean nothing in another lake. So a lake that is missing or another one, such as
a mount that did not come up, is refused by readers and writers alike; what came in meanwhile waits. The marker is a
file of the lake's folder and moves with it.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from django.db.models import Max
from django.utils.translation import gettext as _

from huitou.analytics.adoption import sync
from huitou.analytics.engines import Lake
from huitou.core.errors import DomainError
from huitou.core.home import Home
from huitou.core.models import LakeBatch, LakeMark

MARKER = "huitou-lake"


class OtherLakeError(DomainError):
    """The lake is not there, or is the one of another store."""

    code = "other_lake"
    status = 503
    permanent = False


def home_lake(home: Home) -> Lake:
    """The lake of this store. Raises OtherLakeError where another one, or none, lies at its address."""
    lake, mark, found = Lake(home.lake_url), LakeMark.objects.first(), _read_marker(home.lake_url)
    if mark is None:
        if found:
            raise OtherLakeError(
                _("The folder %(url)s is the lake of another store. Check HUITOU_LAKE_URL, or choose an empty folder.")
                % {"url": home.lake_url}
            )
        # Nothing was written yet, or by a release that knew no marks: what that one wrote must be there.
        if any(lake.version(table) is None for table in _newest_commits()):
            raise _not_ours(home.lake_url)
    elif found != mark.value and (found or mark.is_placed):
        raise _not_ours(home.lake_url, mark.value)
    return lake


def adopt_lake(home: Home) -> Lake:
    """`home_lake`, for whoever writes: a lake that is nobody's is this store's from now on."""
    lake = home_lake(home)
    # The database goes first: a marker without its row would be another store's.
    mark, _made = LakeMark.objects.get_or_create(pk=1, defaults={"value": secrets.token_hex(16)})
    if not mark.is_placed:
        _place_marker(Path(home.lake_url), mark.value)
        LakeMark.objects.filter(pk=1).update(is_placed=True)
    return lake


def outdated_tables(lake: Lake) -> list[str]:
    """Tables that are older in the lake than what was committed to them: an older copy of it was put back."""
    return sorted(table for table, version in _newest_commits().items() if (lake.version(table) or 0) < version)


def _newest_commits() -> dict[str, int]:
    done = LakeBatch.objects.filter(committed_at__isnull=False).order_by().values_list("table")
    return dict(done.annotate(newest=Max("lake_version")))


def _read_marker(url: str) -> str:
    try:
        return (Path(url) / MARKER).read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _place_marker(folder: Path, value: str) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = folder / f"{MARKER}.{secrets.token_hex(4)}"
    fresh.write_text(f"{value}\n")
    sync(fresh)
    fresh.replace(folder / MARKER)
    sync(folder)


def _not_ours(url: str, wanted: str = "") -> OtherLakeError:
    text = _(
        "The folder %(url)s is not the lake of this store. Check HUITOU_LAKE_URL, and whether the disk is mounted. "
        "Nothing is lost: what came in waits until the lake is back."
    )
    hint = _("(The file %(marker)s in this store's lake says %(wanted)s.)") if wanted else ""
    return OtherLakeError(f"{text} {hint}".strip() % {"url": url, "marker": MARKER, "wanted": wanted})
