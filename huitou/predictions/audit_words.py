"""What the audit log says about predictions; each room has its own words."""

from huitou.predictions.text import audit_words as text

ACTIONS = {**text.ACTIONS}
FIELDS = {**text.FIELDS}
