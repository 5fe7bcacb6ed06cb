"""Every write of understanding texts: corrections, and what is learned from them."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.predictions.text.models import CorrectedText, TextLesson
from huitou.predictions.text.queries import current_layer, digest_of
from huitou.predictions.text.reading import TextReader
from huitou.stats.text.layer import LEAST, learn_layer
from huitou.stats.text.ngrams import clean

_LONGEST = 10_000
# One lesson at a time, whoever asks for it.
_LESSON_LOCK = 7_204_018
SENTIMENTS = ("positive", "negative")


class CorrectionRefusedError(DomainError):
    """A correction that says nothing."""

    code = "correction_refused"
    status = 422


class TooFewCorrectionsError(DomainError):
    """There is not enough to learn from."""

    code = "too_few_corrections"
    status = 409


def correct_text(
    *,
    text: str,
    sentiment: str,
    called: str,
    clock: Clock,
    person_id: int | None = None,
    actor: User | None = None,
    actor_label: str = "cli",
) -> CorrectedText:
    """Keep what a text really says. The text itself is the idempotency key: said again, nothing changes.

    Raises CorrectionRefusedError for an empty or overlong text and for any other sentiment than positive or negative.
    """
    if sentiment not in SENTIMENTS:
        raise CorrectionRefusedError(_("A text is corrected to positive or negative."))
    if not clean(text):
        raise CorrectionRefusedError(_("There is no text to correct."))
    if len(text) > _LONGEST:
        raise CorrectionRefusedError(_("A text of more than %(most)s characters cannot be kept.") % {"most": _LONGEST})
    with transaction.atomic():
        fresh: dict[str, Any] = {"text": text, "person_id": person_id, "sentiment": sentiment, "called": called}
        fresh |= {"corrected_at": clock.now(), "corrected_by": actor}
        row, made = CorrectedText.objects.select_for_update().get_or_create(digest=digest_of(text), defaults=fresh)
        if not made and row.sentiment == sentiment:
            return row
        if not made:
            row.sentiment, row.corrected_at, row.corrected_by = sentiment, clock.now(), actor
            row.save(update_fields=["sentiment", "corrected_at", "corrected_by"])
        # The log keeps no words of a customer.
        record_audit(
            action="text.corrected",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=f"#{row.pk}",
            detail={"sentiment": sentiment, "called": called},
        )
    return row


def learn_from_corrections(*, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> TextLesson:
    """Learn a layer from all corrections, and use it where it does better on those that were held back.

    What is in use now is judged on the same held-back texts and stays in use unless the new layer loses less and is
    right no less often. Raises TooFewCorrectionsError.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LESSON_LOCK])
        rows = list(CorrectedText.objects.order_by("digest").values_list("text", "sentiment"))
        if len(rows) < LEAST:
            told = _("%(count)s texts are corrected; it takes %(least)s to learn from.")
            raise TooFewCorrectionsError(told % {"count": len(rows), "least": LEAST})
        reader = TextReader()
        texts = [text for text, _sentiment in rows]
        labels = np.array([sentiment == "positive" for _text, sentiment in rows], dtype=np.int64)
        learned = learn_layer(texts, labels, reader.model, reader.lexicon, current_layer())
        layer = learned.layer
        lesson = TextLesson.objects.create(
            learned_at=clock.now(),
            corrections=learned.count,
            held=learned.held,
            loss_before=learned.loss_before,
            loss_after=learned.loss_after,
            right_before=learned.right_before,
            right_after=learned.right_after,
            layer=layer and {"buckets": layer.buckets.tolist(), "weights": layer.weights.round(6).tolist()},
        )
        if layer is not None:
            _use(lesson)
        record_audit(
            action="text.learned",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=f"#{lesson.pk}",
            count=learned.count,
            detail={"in_use": layer is not None},
        )
    return lesson


def use_lesson(*, lesson_id: int | None, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> None:
    """Go back to what was learned before, or with None to the model as it came. Raises CorrectionRefusedError."""
    with transaction.atomic():
        lesson = None
        if lesson_id is not None:
            lesson = TextLesson.objects.select_for_update().filter(pk=lesson_id, layer__isnull=False).first()
            if lesson is None:
                raise CorrectionRefusedError(_("Nothing that could be used was learned then."))
        _use(lesson)
        record_audit(
            action="text.lesson_used",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=f"#{lesson_id}" if lesson_id else "",
        )


def _use(lesson: TextLesson | None) -> None:
    TextLesson.objects.select_for_update().filter(in_use=True).update(in_use=False)
    if lesson is not None:
        TextLesson.objects.filter(pk=lesson.pk).update(in_use=True)
        lesson.in_use = True
