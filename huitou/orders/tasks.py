"""The refresh as a job: on schedule, so that days that pass and facts that arrive show in the figures."""

from __future__ import annotations

from django.conf import settings
from procrastinate.contrib.django import app

from huitou.accounts.queries import find_brand


@app.periodic(cron="5 * * * *", periodic_id="hourly")
@app.task(name="orders.refresh", queueing_lock="orders.refresh", lock="orders.refresh")
def refresh_job(timestamp: int) -> None:
    """Every hour: refresh, which does nothing where nothing has changed. Twice without harm."""
    from huitou.orders.refresh import run_refresh

    brand = find_brand()
    if brand is not None:
        run_refresh(home=settings.HOME, brand=brand, clock=brand.clock)


@app.task(name="orders.after_refresh")
def after_refresh_job(run_id: int, name: str) -> None:
    """Tell one higher app that a refresh was published. Twice without harm."""
    from huitou.orders.refresh_step import after_refresh

    found = after_refresh().get(name)
    if found is not None:
        found(run_id)
