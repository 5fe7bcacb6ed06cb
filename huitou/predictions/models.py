"""Every table of this app; each is declared in its own room."""

from huitou.predictions.text.models import CorrectedText, TextLesson

__all__ = ["CorrectedText", "TextLesson"]
