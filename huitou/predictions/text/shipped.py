"""The files that come with the product: the model of praise and blame, and the lists of words."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from huitou.stats.text.lexicon import Lexicon
from huitou.stats.text.polarity import Polarity

DATA = Path(__file__).parent / "data"
_ARRAYS = ("buckets", "weights", "idf", "evidence")


def read_lists(file: Path) -> dict[str, list[str]]:
    """Lists of words by name from a YAML file whose values are words with spaces between."""
    given: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    return {
        name: value.split() if isinstance(value, str) else [str(one) for one in value] for name, value in given.items()
    }


@cache
def lexicon() -> Lexicon:
    """Words of praise and blame that come with the product."""
    return Lexicon.of(read_lists(DATA / "words.yaml"))


@cache
def polarity() -> Polarity:
    """The shipped model."""
    numbers = json.loads((DATA / "polarity.json").read_text(encoding="utf-8"))
    with np.load(DATA / "polarity.npz") as arrays:
        held = {name: arrays[name] for name in _ARRAYS}
    # Buckets are stored as steps from one to the next, which take fewer bytes.
    held["buckets"] = np.cumsum(held["buckets"].astype(np.int64)).astype(np.uint32)
    return Polarity(**held, **numbers["model"])


def write_polarity(model: Polarity, about: dict[str, Any], folder: Path) -> None:
    """Write the model's two files, the same bytes for the same model."""
    steps = np.diff(model.buckets.astype(np.int64), prepend=0).astype(np.uint16)
    if not np.array_equal(np.cumsum(steps.astype(np.int64)), model.buckets):
        raise ValueError("two known buckets lie too far apart")
    arrays = {"buckets": steps, "weights": model.weights, "idf": model.idf, "evidence": model.evidence}
    _write_npz(folder / "polarity.npz", arrays)
    names = ("longest", "bits", "unit", "intercept", "slope", "band")
    numbers = {"about": about, "model": {name: getattr(model, name) for name in names}}
    text = json.dumps(numbers, indent=2, ensure_ascii=False)
    (folder / "polarity.json").write_text(text + "\n", encoding="utf-8")


def _write_npz(file: Path, arrays: dict[str, np.ndarray]) -> None:
    """Like `numpy.savez_compressed`, without the time of writing."""
    import io
    import zipfile

    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            held = io.BytesIO()
            np.save(held, array)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), held.getvalue(), zipfile.ZIP_DEFLATED
            )
