"""The first figures of a fresh web process take seconds of loading; they are asked for before anybody waits."""

from __future__ import annotations

import logging
import threading

from django.conf import settings
from django.db import connection
from django.utils import translation

logger = logging.getLogger(__name__)


def warm_up() -> None:
    """Compute the overview once, so that the engine is loaded and its figures are remembered. Never raises."""
    try:
        from huitou.accounts.queries import find_brand
        from huitou.reports.overview import build_overview

        brand = find_brand()
        if brand is not None:
            with translation.override(settings.LANGUAGE_CODE):
                build_overview(brand)
    except Exception as error:
        # Whoever opens the page sees the real trouble; the process starts regardless.
        logger.info("warming up: %s", error)
    finally:
        connection.close()


def start_warming() -> None:
    """`warm_up` in the background."""
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
