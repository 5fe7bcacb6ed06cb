"""What never stands in a log: secrets, and what would tell who a customer is.

Every line is read once more before it is written, whoever wrote it, tracebacks included. This is the second net:
code does not log such things in the first place.
"""

from __future__ import annotations

import logging
import re

_HIDDEN = "***"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # Headers and fields by name: the value behind them, whatever it looks like.
    (
        re.compile(r"(?i)(authorization|proxy-authorization|cookie|set-cookie)(['\"]?\s*[:=]\s*['\"]?)[^\r\n'\"]+"),
        rf"\1\2{_HIDDEN}",
    ),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:password|passwd|secret|token|write_?key|api_?key|sessionid|csrfmiddlewaretoken))"
            r"(['\"]?\s*[:=]\s*['\"]?)[^\s,;&'\"}\])]+"
        ),
        rf"\1\2{_HIDDEN}",
    ),
    # scheme://user:password@host
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/]+@"), rf"\1:{_HIDDEN}@"),
    # Bearer and basic credentials outside of a header line.
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w+/=.~-]{8,}"), rf"\1 {_HIDDEN}"),
    # Our own keys, by how they begin.
    (re.compile(r"\bh[wa]_[A-Za-z0-9_-]{8,}"), _HIDDEN),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), _HIDDEN),
    # Phones of the mainland, with or without country code and blanks.
    (re.compile(r"(?<![\w.])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)"), _HIDDEN),
    # openid, unionid and external_userid of WeChat and WeCom.
    (re.compile(r"\b(?:o[A-Za-z0-9_-]{27}|w[mo][A-Za-z0-9_-]{30})(?![\w-])"), _HIDDEN),
)


def redact(text: str) -> str:
    """`text` with stars in the place of secrets and personal data."""
    for pattern, shown in _RULES:
        text = pattern.sub(shown, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Writes a line, and the traceback below it, without what must not stand there."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
