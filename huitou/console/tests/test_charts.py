"""A chart and its table say the same."""

from __future__ import annotations

from huitou.console.charts import Chart, Series


def _chart() -> Chart:
    return Chart(
        title="Revenue",
        labels=["2017-08", "2017-09"],
        series=[Series("Revenue", [123450, None], ["", "not over"])],
        unit="minor",
        currency="CNY",
        target=100000,
    )


def test_the_payload_is_in_display_units_with_formatted_texts() -> None:
    payload = _chart().payload()
    assert payload["target"] == 1000.0
    assert payload["targetText"] == "¥1,000.00"
    assert payload["series"] == [
        {"name": "Revenue", "values": [1234.5, None], "texts": ["¥1,234.50", "–"], "notes": ["", "not over"]}
    ]


def test_the_table_has_one_row_a_label() -> None:
    assert _chart().table() == [("2017-08", [("¥1,234.50", "")]), ("2017-09", [("–", "not over")])]


def test_a_chart_without_values_is_empty() -> None:
    assert Chart("x", ["a"], [Series("s", [None])], "count").is_empty
    assert not _chart().is_empty
