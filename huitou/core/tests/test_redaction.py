"""Log lines hold no secret and nothing that tells who a customer is; what helps to find a fault stays."""

from __future__ import annotations

import io
import logging
import logging.config
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from huitou.core.redaction import redact

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
UNIONID = "o6_bmasdasdsad6_2sgVt7hMZOPf"
EXTERNAL = "wmSALzCgAAuUdDhZ_0j4kQPXxkr7kHyA"


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("Authorization: Basic aHdfYWJjZGVmZ2g6", "aHdfYWJjZGVmZ2g6"),
        ("{'Authorization': 'Bearer ha_1234567890abcdef'}", "1234567890"),
        ("sent with bearer abcdefghijkl.mnop", "abcdefghijkl"),
        ('{"writeKey": "hw_u3Xk9-2_QwErTyUiOp"}', "u3Xk9"),
        ("key hw_u3Xk9-2_QwErTyUiOp is unknown", "u3Xk9"),
        ("GET /x?api_key=abc123&page=2", "abc123"),
        ("password=hunter2, user=lin", "hunter2"),
        ("HUITOU_SECRET_KEY_TOKEN: s3cr3t", "s3cr3t"),
        ("cannot connect to postgresql://huitou:p%40ss:word@db:5432/huitou", "p%40ss"),
        ("redis://:only-password@cache", "only-password"),
        ("Cookie: sessionid=abc; csrftoken=def", "abc"),
        ("customer 13812345678 bought", "13812345678"),
        ("customer +86 138 1234 5678 bought", "5678"),
        ("/customers/?q=138-1234-5678", "1234"),
        ("mail to li.wei+shop@example.com failed", "li.wei"),
        (f"openid {OPENID}", OPENID),
        (f"unionid={UNIONID}", UNIONID),
        (f"external_userid {EXTERNAL} unknown", EXTERNAL),
    ],
)
def test_what_must_not_stand_in_a_log_does_not(line: str, secret: str) -> None:
    assert secret not in redact(line)
    assert "***" in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "batch 12 of fct_order_lines committed as version 3",
        "2026-03-04 12:00:00,123 WARNING huitou.core.jobs job 7 (import_orders) was left by a killed worker",
        "order 202603041234567890123 of customer #4711 was refused: amount 13812.34",
        'File "/srv/huitou/core/lake.py", line 138, in append',
        "http://127.0.0.1:8000/data/imports/1/",
        "postgresql://db:5432/huitou",
        "token_count and keys stay; sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)
def test_what_helps_to_find_a_fault_stays(line: str) -> None:
    assert redact(line) == line


def logged(name: str) -> tuple[logging.Logger, io.StringIO]:
    """A logger that writes as the product's configuration says, into memory."""
    config: dict[str, Any] = settings.LOGGING
    formatter = config["handlers"]["stderr"]["formatter"]
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    maker = logging.config.DictConfigurator(config)
    handler.setFormatter(maker.configure_formatter(config["formatters"][formatter]))
    logger = logging.getLogger(name)
    logger.handlers = [handler]
    logger.propagate = False
    return logger, stream


def test_arguments_and_tracebacks_are_read_as_well() -> None:
    logger, stream = logged("huitou.test.redaction")
    try:
        raise ValueError("no row for 13812345678")
    except ValueError:
        logger.exception("refused %s", {"writeKey": "hw_u3Xk9-2_QwErTyUiOp"})
    text = stream.getvalue()
    assert "Traceback" in text
    assert "13812345678" not in text
    assert "u3Xk9" not in text


@pytest.mark.django_db
def test_what_a_stranger_sends_does_not_come_into_the_log() -> None:
    logger, stream = logged("django.request")
    try:
        Client().get("/nowhere/13812345678/?password=hunter2")
        Client().post("/language/li@example.com", {"password": "hunter2"})
    finally:
        logger.handlers, logger.propagate = [], True
    assert "Not Found" in stream.getvalue()
    for secret in ("13812345678", "hunter2", "li@example.com"):
        assert secret not in stream.getvalue()
