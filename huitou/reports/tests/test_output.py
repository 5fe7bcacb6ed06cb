"""Figures keep their places and values in JSON, CSV and the table that people read."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

from django.utils.translation import override

from huitou.reports.output import csv_text, json_text, print_result
from huitou.reports.queries import MetricResult, MetricRow

RESULT = MetricResult(
    metric="revenue",
    label="Revenue",
    definition="Money.",
    unit="minor",
    currency="GBP",
    exclusions="Nothing is excluded.",
    as_of=datetime(2011, 12, 10, tzinfo=UTC),
    observed_until=datetime(2011, 12, 9, 4, 50, tzinfo=UTC),
    occasion="order",
    dims=("channel",),
    rows=[
        MetricRow(
            "2011-11", {"channel": '=cmd,"x"'}, None, 123456, 123456, None, True, True, "minor",
            date(2011, 11, 1), date(2011, 11, 30),
        ),
        MetricRow("2011-12", {"channel": "shop"}, None, None, 0, 0, False, False, "rate", over=False),
    ],
)  # fmt: skip


def test_json_has_the_promised_fields() -> None:
    found = json.loads(json_text(RESULT))
    assert found["metric"] == "revenue"
    assert found["definition"] == "Money."
    assert found["observed_until"] == "2011-12-09T04:50:00+00:00"
    assert found["rows"][0] == {
        "period": "2011-11",
        "channel": '=cmd,"x"',
        "value": 123456,
        "numerator": 123456,
        "denominator": None,
        "complete": True,
        "covered": True,
        "unit": "minor",
        "from": "2011-11-01",
        "to": "2011-11-30",
    }
    assert found["rows"][1]["value"] is None


def test_csv_reads_back_as_the_same_rows() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(RESULT))))
    # A spreadsheet may open it: what would run there begins with an apostrophe.
    assert [row["channel"] for row in rows] == ['\'=cmd,"x"', "shop"]
    assert [row["value"] for row in rows] == ["123456", ""]
    assert [row["complete"] for row in rows] == ["true", "false"]
    assert "series" not in rows[0]


def test_table_shows_money_dash_and_marks(tmp_path: Path) -> None:
    with override("en"):
        print_result(RESULT, tmp_path / "table.txt")
    text = (tmp_path / "table.txt").read_text()
    assert "£1,234.56" in text
    assert "–" in text
    assert "not over yet" in text
    assert "Nothing is excluded." in text
