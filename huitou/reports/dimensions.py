"""Values of dimensions in the reader's language, where they are codes of ours."""

from __future__ import annotations

from huitou.console.channels import channel_label
from huitou.messaging.channel import find_channel


def dimension_value(dim: str, value: str) -> str:
    """The channel of an order or of a message by its name; anything else as it is."""
    if dim == "channel":
        return channel_label(value)
    if dim == "message_channel":
        found = find_channel(value)
        return str(found.label) if found else value
    return value
