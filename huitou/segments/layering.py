"""Ready layers: the texts and conditions of the segments that come with the product as files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import get_language

from huitou.segments.models import Segment

FOLDER = Path(__file__).parent / "layers"


@dataclass(frozen=True)
class Layer:
    """One ready layer: title and description by language, its condition, and the family that it belongs to."""

    name: str
    family: dict[str, str]
    texts: dict[str, tuple[str, str]]
    where: dict[str, Any]


@cache
def ready_layers() -> dict[str, Layer]:
    """Every layer of the product by name; those that others ask about come first."""
    found: dict[str, Layer] = {}
    for path in sorted(FOLDER.glob("*.yaml"), key=lambda p: (p.stem not in ("rfm", "value"), p.stem)):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, told in data["layers"].items():
            assert name not in found, f"two layers are called {name}"
            texts = {language: (told[language][0], told[language][1]) for language in ("zh", "en")}
            found[name] = Layer(name, data["title"], texts, told["where"])
    return found


def shown(segment: Segment) -> tuple[str, str]:
    """Title and description in the reader's language, as long as nobody has written others for a layer."""
    layer = ready_layers().get(segment.name) if segment.group == "layer" else None
    if layer is None or (segment.title, segment.description) not in layer.texts.values():
        return segment.title, segment.description
    return layer.texts[reading_language()]


def layer_place(segment: Segment) -> int:
    """Where a ready layer stands among all; 0 for other segments."""
    return list(ready_layers()).index(segment.name) if segment.name in ready_layers() else 0


def reading_language() -> str:
    """The language of a layer's texts that the reader gets: zh or en."""
    return "zh" if (get_language() or "zh").startswith("zh") else "en"
