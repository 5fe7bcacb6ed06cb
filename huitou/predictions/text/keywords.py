"""Keywords of a text: words by jieba, weighed by how rare they are in Chinese."""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from huitou.stats.text.ngrams import clean

TOP = 5
# Words that say little of what a text is about, beyond those of a single character.
_IDLE = frozenset(
    """
    这个 那个 一个 没有 就是 还是 不是 可以 什么 怎么 这样 那样 自己 我们 你们 他们
    她们 大家 非常 真的 比较 感觉 觉得 知道 因为 所以 但是 不过 而且 如果 虽然 然后
    还有 已经 现在 时候 一下 一点 有点 不会 不能 不要 这么 那么 东西 可能 应该 只是
    一直 一样 这里 那里 之后 以后 以前 之前 今天 昨天 明天 起来 出来 下来 特别 十分
    还行 其他 其它 多少 为了 为什么 不错 很好 的话 哈哈 哈哈哈 请问 你好 您好 谢谢
    一次 两个 里面 有些 有的 别的 其实 反正 居然 竟然 实在
    """.split()  # noqa: SIM905 - a list would take a line a word
)


@cache
def _jieba() -> tuple[Any, dict[str, float], float]:
    """The module, and how rare words are: made once a process."""
    with warnings.catch_warnings():
        # The package leaves files open and uses old ways of reading its own data.
        warnings.simplefilter("ignore")
        import jieba
        import jieba.analyse

        jieba.setLogLevel(logging.ERROR)
        rare, median = jieba.analyse.default_tfidf.idf_loader.get_idf()
    return jieba, rare, median


class KeywordFinder:
    """A tokenizer with the brand's own words, such as names of products, which are never cut."""

    def __init__(self, own_words: Iterable[str] = (), folder: Path | None = None) -> None:
        jieba, self._rare, self._median = _jieba()
        self._tokenizer = jieba.Tokenizer()
        if folder is not None:
            # Not the machine's shared temporary folder, where anybody could put a file of this name.
            self._tokenizer.tmp_dir = str(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._tokenizer.initialize()
            self.own = frozenset(word for word in map(clean, own_words) if len(word) > 1)
            for word in sorted(self.own):
                self._tokenizer.add_word(word)

    def words(self, text: str) -> list[str]:
        """The cleaned text cut into words."""
        return list(self._tokenizer.cut(clean(text)))

    def find(self, text: str, top: int = TOP) -> list[str]:
        """At most `top` keywords, the weightiest first; own words weigh as much as the rarest."""
        counts = Counter(word for word in self.words(text) if self._tells(word))
        if not counts:
            return []
        rarest = 12.0
        weights = {w: n * (rarest if w in self.own else self._rare.get(w, self._median)) for w, n in counts.items()}
        return sorted(weights, key=lambda word: (-weights[word], word))[:top]

    def _tells(self, word: str) -> bool:
        word = word.strip()
        return word in self.own or (len(word) > 1 and word not in _IDLE and word.isalpha())


@lru_cache(maxsize=2)
def keyword_finder(own_words: tuple[str, ...], folder: Path | None) -> KeywordFinder:
    """A finder that is kept for the next time with the same words: reading the dictionary takes about a second."""
    return KeywordFinder(own_words, folder)
