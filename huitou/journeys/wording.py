"""Texts that operators write in each language, in the reader's."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import get_language


def reader_language() -> str:
    """zh or en."""
    return "zh" if (get_language() or "zh").startswith("zh") else "en"


def in_language(words: Mapping[str, str] | None, language: str = "") -> str:
    """The text in the reader's language, else in any that there is."""
    told = words if isinstance(words, Mapping) else {}
    return told.get(language or reader_language()) or next((text for text in told.values() if text), "")
