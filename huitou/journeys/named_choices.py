"""Fields for what others declare, channels and tags: chosen from what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from huitou.messaging.channel import CHANNELS

PLACES = 3
_COMMAS = re.compile(r"[,，、;；\n]")


def channel_choices(chosen: Sequence[str]) -> list[tuple[str, str]]:
    """Every channel in the reader's language, and whatever else was chosen, such as one account of a channel."""
    zh = (get_language() or "zh").startswith("zh")
    found = [(channel.kind, channel.term_zh if zh else str(channel.label)) for channel in CHANNELS]
    known = {code for code, _label in found}
    return [*found, *((value, value) for value in chosen if value not in known)]


def place_words(label: str, place: int) -> str:
    """The label of the first, second … choice in an order of preference."""
    return label if place == 1 else _("If that cannot reach: choice %(number)s") % {"number": place}


def channel_fields(name: str, label: str, hint: str, chosen: object) -> Iterator[tuple[str, forms.Field]]:
    """One menu for each place in the order of preference."""
    kept = [str(value) for value in chosen] if isinstance(chosen, list) else []
    choices = [("", "–"), *channel_choices(kept)]
    for place in range(1, max(PLACES, len(kept)) + 1):
        yield (
            f"{name}-{place}",
            forms.ChoiceField(
                label=place_words(label, place),
                choices=choices,
                required=False,
                help_text=hint if place == 1 else "",
                initial=kept[place - 1] if place <= len(kept) else "",
            ),
        )


def read_channels(name: str, cleaned: Mapping[str, Any]) -> list[str]:
    """What was chosen, in order, each once."""
    places = sorted(
        (int(key.rpartition("-")[2]), value) for key, value in cleaned.items() if re.fullmatch(rf"{name}-\d+", key)
    )
    return list(dict.fromkeys(value for _place, value in places if value))


def tag_fields(
    name: str, label: str, hint: str, chosen: object, known: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, forms.Field]]:
    """A box for each tag that there is, and a line for new ones."""
    kept = [str(value) for value in chosen] if isinstance(chosen, list) else []
    names = {code for code, _label in known}
    choices = [*known, *((value, value) for value in kept if value not in names)]
    if choices:
        yield (
            name,
            forms.MultipleChoiceField(
                label=label,
                choices=choices,
                required=False,
                help_text=hint,
                initial=kept,
                widget=forms.CheckboxSelectMultiple(),
            ),
        )
    yield (
        f"{name}-new",
        forms.CharField(
            label=_("%(what)s: new tags") % {"what": label},
            required=False,
            help_text=_("Separate several by commas."),
        ),
    )


def read_tags(name: str, cleaned: Mapping[str, Any]) -> list[str]:
    """Chosen and new tags, each once; commas may be Chinese ones."""
    new = (part.strip() for part in _COMMAS.split(cleaned.get(f"{name}-new") or ""))
    return list(dict.fromkeys([*(cleaned.get(name) or []), *(part for part in new if part)]))
