"""What the audit log says about channels and messages."""

from django.utils.translation import gettext_lazy as _

from huitou.messaging.channel import CHANNELS

ACTIONS = {
    "channel.created": _("Channel account set up"),
    "channel.changed": _("Channel account changed"),
    "channel.paused": _("Channel account paused"),
    "channel.resumed": _("Channel account resumed"),
    "channel.stopped": _("Channel account stopped by the provider"),
}
FIELDS = {
    "kind": _("Channel"),
    "fields": _("What was changed"),
    "code": _("What the provider said"),
}
VALUES = {"kind": {channel.kind: channel.label for channel in CHANNELS}}
