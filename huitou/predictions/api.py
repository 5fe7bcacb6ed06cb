"""Operations on texts: what they say, what they really say, and learning from that."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from huitou.accounts.access_api import acting
from huitou.core.http_api.fields import Body, Id, Text, Word
from huitou.core.http_api.operations import Operations
from huitou.segments.output import product_clock

router = Operations("understand")
_MOST_TEXTS, _LONGEST = 1_000, 2_000


class TextsIn(Body):
    """Texts to understand; nothing of them is kept."""

    texts: list[Annotated[Text, Field(max_length=_LONGEST)]] = Field(
        max_length=_MOST_TEXTS, examples=[["味道不错，会回购"]]
    )


class UnderstoodOut(Schema):
    """What one text says."""

    sentiment: Literal["positive", "neutral", "negative"]
    p_positive: float = Field(description="Probability that it praises, 0 to 1.")
    intents: list[str]
    keywords: list[str]


class TextsOut(Schema):
    """One answer per text, in their order."""

    items: list[UnderstoodOut]


@router.read("/texts/understanding", method="POST", permission="customers.view", returns=TextsOut)
def understand_texts(request: HttpRequest, body: TextsIn) -> TextsOut:
    """Praise or blame with its probability, intents and keywords of Chinese texts."""
    # It needs statistics, a second to import: by who asks.
    from huitou.predictions.text.queries import brand_reader

    return TextsOut(items=[UnderstoodOut.from_orm(one) for one in brand_reader().read(body.texts)])


class CorrectionIn(Body):
    """What a text really says."""

    text: Annotated[Word, Field(max_length=_LONGEST)]
    sentiment: Literal["positive", "negative"]


class CorrectionOut(Schema):
    """The correction that counts now."""

    sentiment: str


@router.write("/texts/corrections", permission="customers.write", returns=CorrectionOut, status=201)
def correct_one_text(request: HttpRequest, body: CorrectionIn) -> CorrectionOut:
    """Keep what a text really says; it counts when the product learns the next time. Said again, nothing changes."""
    from huitou.predictions.text.services import correct_text

    done = correct_text(text=body.text, sentiment=body.sentiment, called="", clock=product_clock(), **acting(request))
    return CorrectionOut(sentiment=done.sentiment)


class LessonOut(Schema):
    """What was learned, and whether it is in use."""

    id: int
    in_use: bool = Field(description="Whether it did better on the corrections held back.")


@router.write("/texts/lessons", permission="customers.write", returns=LessonOut, status=201)
def learn_from_texts(request: HttpRequest) -> LessonOut:
    """Learn from the corrections; what is learned is used only where it does better on those held back."""
    from huitou.predictions.text.services import learn_from_corrections

    lesson = learn_from_corrections(clock=product_clock(), **acting(request))
    return LessonOut(id=lesson.pk, in_use=lesson.layer is not None)


class LessonIn(Body):
    """Which lesson to use from now on; none: the shipped model alone."""

    lesson: Id | None = None


@router.write("/texts/lessons/current", method="PUT", permission="customers.write", returns=None)
def use_one_lesson(request: HttpRequest, body: LessonIn) -> None:
    """Go back to what was learned before, or to the shipped model."""
    from huitou.predictions.text.services import use_lesson

    use_lesson(lesson_id=body.lesson, clock=product_clock(), **acting(request))
