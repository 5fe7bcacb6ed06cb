"""A worker for the attack on contact rules: sends what is due by the brand's clock until it is killed."""

from __future__ import annotations

import os
import time


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.conf import settings
    from django.db import OperationalError, connection

    from huitou.core import boot

    settings.DATABASES["default"].update(boot.connection_settings(os.environ["HUITOU_DATABASE_URL"]))
    django.setup()
    boot.assume_booted()
    from huitou.messaging import wire
    from huitou.messaging.loop import run_turn

    wire.LOOPBACK = True  # the recording server stands on this machine
    wire.ANSWER_SECONDS = 0.5
    while True:
        try:
            run_turn(home=settings.HOME)
        except OperationalError:
            connection.close()
        time.sleep(0.02)


if __name__ == "__main__":
    main()
