"""What the audit log says about channels and messages."""

from django.utils.translation import gettext_lazy as _

from huitou.messaging.channel import CHANNELS

ACTIONS = {
    "channel.created": _("Channel account set up"),
    "channel.changed": _("Channel account changed"),
    "channel.paused": _("Channel account paused"),
    "channel.resumed": _("Channel account resumed"),
    "channel.welcome_changed": _("Welcome message of a channel account changed"),
    "contact.policy_changed": _("Caps, quiet hours or fatigue rules changed"),
    "message.planned": _("Message planned by hand"),
    "message.cancelled": _("Message taken back"),
    "message.decided": _("Decided what became of an unknown message"),
    "handoff.exported": _("Hand-off list made"),
    "handoff.taken": _("File of a hand-off list taken"),
    "message.bounced": _("Report of undeliverable mail taken in"),
    "handoff.reported": _("Send report of a hand-off list imported"),
    "channel.stopped": _("Channel account stopped by the provider"),
}
FIELDS = {
    "kind": _("Channel"),
    "fields": _("What was changed"),
    "code": _("What the provider said"),
    "touch": _("Message"),
    "channels": _("Channels"),
    "purpose": _("Purpose"),
    "test": _("Test"),
    "decision": _("Decision"),
    "list": _("List"),
    "source": _("Asked for by"),
    "rows": _("Rows"),
    "matched": _("Matched"),
    "rejected": _("Refused"),
}
VALUES = {
    "kind": {channel.kind: channel.label for channel in CHANNELS},
    "purpose": {"marketing": _("marketing"), "service": _("service")},
    "decision": {"sent": _("it was sent"), "not_sent": _("it was not sent"), "again": _("send it again")},
}
