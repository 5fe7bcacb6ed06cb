"""Standard output carries results only; progress stays on a terminal."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from huitou.core.terminal import print_json, progress


def test_json_keeps_chinese_dates_and_exact_decimals(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(
        {"名": "回头", "day": date(2017, 10, 2), "at": datetime(2017, 10, 2, tzinfo=UTC), "rate": Decimal("0.10")}
    )
    printed = capsys.readouterr().out
    assert "回头" in printed
    assert json.loads(printed) == {
        "名": "回头",
        "day": "2017-10-02",
        "at": "2017-10-02T00:00:00+00:00",
        "rate": "0.10",
    }


def test_progress_is_silent_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Importing") as report:
        report(1, 10, "reading")
        report(10, 10)
    assert capsys.readouterr() == ("", "")
