"""Pages of messages and channels."""

from __future__ import annotations

from huitou.messaging import public_pages

urlpatterns = [*public_pages.urlpatterns]
