"""Every page of this app; each stands in its own room."""

from huitou.predictions.text import pages as text

PAGES = [*text.PAGES]
urlpatterns = [*text.urlpatterns]
