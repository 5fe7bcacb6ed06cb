"""Small files of many commits, written together now and then."""

from __future__ import annotations

import logging

from huitou.analytics.tables import FCT_EVENTS, FCT_ORDER_LINES
from huitou.core.home import Home
from huitou.core.lake import compact_scattered

logger = logging.getLogger(__name__)
# A commit every few seconds makes so many files in an hour. Fewer would be read quickly all the same.
_FILES = 1000
_SMALL_BYTES = 16 * 1024 * 1024


def compact_if_scattered(*, home: Home, at_least: int = _FILES) -> list[str]:
    """Write months of the fact tables that lie in too many small files anew; returns which, as table/month."""
    done = []
    for table in (FCT_EVENTS.name, FCT_ORDER_LINES.name):
        months = compact_scattered(table, home=home, small_bytes=_SMALL_BYTES, at_least=at_least)
        done += [f"{table}/{month}" for month in months]
    if done:
        logger.info("wrote together the small files of %s", ", ".join(done))
    return done
