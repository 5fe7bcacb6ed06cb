"""What the audit log says about segments and tags."""

from django.utils.translation import gettext_lazy as _

ACTIONS = {
    "segment.created": _("Segment created"),
    "segment.changed": _("Segment changed"),
    "segment.archived": _("Segment archived"),
    "segment.restored": _("Segment taken back from the archive"),
    "segment.exported": _("Members of a segment downloaded"),
    "segments.layers_installed": _("Ready layers created"),
    "strategy.changed": _("Strategy of a segment changed"),
    "strategy.removed": _("Strategy of a segment removed"),
    "tag.created": _("Tag created"),
    "tag.changed": _("Tag changed"),
    "tag.archived": _("Tag archived"),
    "tag.given": _("Tag given to customers"),
    "tag.taken": _("Tag taken from customers"),
    "tag.ruled": _("Tag given and taken by its rule"),
    "tag_group.created": _("Group of tags created"),
    "tag_rule.created": _("Rule of a tag set"),
    "tag_rule.stopped": _("Rule of a tag stopped"),
}
FIELDS = {
    "title": _("Title"),
    "description": _("Description"),
    "group": _("Group"),
    "version": _("Version"),
    "origin": _("Origin"),
    "origin_ref": _("From"),
    "definition": _("Condition"),
    "taken": _("Taken"),
    "given": _("Given"),
    "tags": _("Tags"),
    "priority": _("Priority"),
    "offers": _("Offers"),
    "content": _("Content"),
    "channel": _("Channel"),
    "service_level": _("Service level"),
    "used_by": _("Used by"),
}
VALUES = {
    "origin": {
        "manual": _("By hand"),
        "rule": _("By its rule"),
        "play": _("By a play"),
        "import": _("From a file"),
        "api": _("By the API"),
    }
}
