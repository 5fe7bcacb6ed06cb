"""What was wrong with an event, told in the reader's language without a word of ours left in English."""

from __future__ import annotations

import re

import msgspec
import pytest
from django.utils import translation

from huitou.sources.intake.details import detail_words, error_words
from huitou.sources.intake.messages import TOO_DEEP, decode_head
from huitou.sources.intake.refusals import REASONS, reason_sentence


def _why(body: bytes) -> str:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)) as caught:
        decode_head(body)
    return str(caught.value)


@pytest.mark.parametrize(
    ("detail", "kept"),
    [
        (_why(b'{"userId": {}}'), {"userId"}),
        (_why(b'{"properties": 5}'), {"properties"}),
        (_why(b"[]"), set()),
        (_why(b'{"type": }'), {"JSON"}),
        (_why(b'{"type": "track"'), {"JSON"}),
        (_why(b'{"type": "\xff"}'), {"UTF"}),
        (TOO_DEEP, set()),
        ("40000 bytes", set()),
        ("Consent Granted: channel is missing", {"Consent", "Granted", "channel"}),
        ("consents[0]: granted is neither true nor false", {"consents", "granted", "true", "false"}),
        ("consents[1]: only a withdrawal may be of every purpose", {"consents", "purpose"}),
        ("consents[1]: not an object", {"consents"}),
    ],
)
def test_details_are_in_chinese(detail: str, kept: set[str]) -> None:
    """Only names that the sender wrote, and what has no other name, stay as they are."""
    with translation.override("zh-hans"):
        shown = detail_words(detail)
    assert set(re.findall(r"[A-Za-z]+", shown)) == kept, shown


def test_a_senders_value_stays_as_it_is() -> None:
    with translation.override("zh-hans"):
        assert detail_words("'yesterday'") == "'yesterday'"


def test_sentences_end_as_the_language_has_it() -> None:
    with translation.override("zh-hans"):
        told = [reason_sentence(code) for code in REASONS]
        assert error_words(ValueError("40 bytes")) != "40 bytes"
    assert [text for text in told if re.search(r"[\u4e00-\u9fff][.,] ", text)] == []
