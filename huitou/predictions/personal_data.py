"""What predictions keep of a person: texts that somebody here corrected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from huitou.customers.identifier_kind import Key
from huitou.customers.needles import Needles
from huitou.predictions.models import CorrectedText

PERSONAL = ("CorrectedText",)
IMPERSONAL = {"TextLesson": "weights of hashed n-grams and numbers"}


def export(person_ids: Sequence[int], identifiers: Sequence[Key]) -> dict[str, Any]:
    """The texts of these persons that somebody here corrected."""
    rows = CorrectedText.objects.filter(person_id__in=person_ids).order_by("corrected_at", "pk")
    return {
        "corrected_texts": [
            {
                "person": row.person_id,
                "text": row.text,
                "sentiment": row.sentiment,
                "corrected_at": row.corrected_at.isoformat(),
            }
            for row in rows
        ]
    }


def erase(person_ids: Sequence[int], identifiers: Sequence[Key]) -> dict[str, int]:
    """Their corrected texts, and those of anybody that name them; what was learned keeps no words."""
    count = CorrectedText.objects.filter(person_id__in=person_ids).delete()[0]
    if needles := Needles(identifiers):
        texts = CorrectedText.objects.values_list("pk", "text").iterator()
        naming = [pk for pk, text in texts if needles.in_text(text)]
        count += CorrectedText.objects.filter(pk__in=naming).delete()[0]
    return {"corrected_texts": count}
