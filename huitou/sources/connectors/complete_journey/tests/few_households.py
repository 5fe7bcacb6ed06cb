"""The panel with the first of its households only: an example store that loads and moves on in a few seconds."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from huitou.sources.connectors.complete_journey import loading, panel

HOUSEHOLDS = 120


@pytest.fixture
def some_households(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the panel's files with few households, from which this test's process loads the example."""
    folder = tmp_path / "panel"
    folder.mkdir()
    for path in panel.data_folder().glob("*.parquet"):
        if path.stem == "promotions":
            continue
        table = pq.read_table(path)
        if "household_id" in table.column_names:
            table = table.filter(pc.less_equal(table["household_id"].cast("int64"), HOUSEHOLDS))
        pq.write_table(table, folder / path.name)
    for module in (panel, loading):
        monkeypatch.setattr(module, "data_folder", lambda: folder)
    return folder
