"""Ready layers become ordinary segments: created once, and then the operator's own."""

from __future__ import annotations

from django.db import transaction

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock, SystemClock
from huitou.segments.layering import reading_language, ready_layers
from huitou.segments.models import Segment
from huitou.segments.saving import create_segment

_MACHINE = SystemClock()


def install_layers(*, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> list[str]:
    """Create every ready layer whose name no segment has; returns the names. Twice is once."""
    made = []
    with transaction.atomic():
        there = set(Segment.objects.values_list("name", flat=True))
        for layer in ready_layers().values():
            if layer.name in there:
                continue
            title, description = layer.texts[reading_language()]
            create_segment(
                name=layer.name,
                title=title,
                description=description,
                definition=layer.where,
                group="layer",
                clock=clock,
                actor=actor,
                actor_label=actor_label,
            )
            made.append(layer.name)
        if made:
            record_audit(
                action="segments.layers_installed",
                clock=_MACHINE,
                actor=actor,
                actor_label=actor_label,
                count=len(made),
            )
    return made
