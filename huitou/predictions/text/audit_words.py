"""What the audit log says about understanding texts."""

from django.utils.translation import gettext_lazy as _

ACTIONS = {
    "text.corrected": _("Text corrected"),
    "text.learned": _("Learned from corrected texts"),
    "text.lesson_used": _("Earlier lesson of texts used again"),
}
FIELDS = {
    "sentiment": _("Sentiment"),
    "called": _("What the product had said"),
    "in_use": _("In use"),
}
