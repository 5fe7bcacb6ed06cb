"""Pure parts of understanding texts: n-grams, the lexicon, the fitted model, intents and the layer of corrections."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitou.stats.text.fitting import Fitted, fit_polarity
from huitou.stats.text.intents import IntentFinder, IntentRule
from huitou.stats.text.layer import LEAST, is_held, learn_layer
from huitou.stats.text.lexicon import EVIDENCE, Lexicon
from huitou.stats.text.ngrams import clean, count_ngrams
from huitou.stats.text.polarity import Polarity

LEXICON = Lexicon.of(
    {"praise": ["好吃", "满意"], "blame": ["难吃", "失望"], "negators": ["不", "没有"], "strengtheners": ["很", "太"]}
)


def test_one_spelling_of_a_text() -> None:
    assert clean("ＯＫ  好！！！！！！\n见 https://x.example/a 第12楼") == "ok 好!!! 见 第0楼"
    assert clean(" \t ") == ""


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_ngrams_of_a_text_do_not_depend_on_its_neighbours(texts: list[str]) -> None:
    """A batch gives each text what it gets alone, and a text of n characters has n + 2 single ones."""
    together = count_ngrams(texts, longest=3, bits=12)
    for row, text in enumerate(texts):
        alone = count_ngrams([text], longest=3, bits=12)
        assert (together[row] != alone[0]).nnz == 0
        assert count_ngrams([text], longest=1, bits=12).sum() == len(text) + 2


def test_a_text_of_half_a_character_is_read() -> None:
    """A lone surrogate, as broken exports hold them, is a character like others."""
    assert count_ngrams(["好\ud83d"], longest=2, bits=12).nnz > 0


def sides(text: str) -> list[bool]:
    return [hit.praises for clause in LEXICON.find(text) for hit in clause]


def test_negation_turns_the_word_behind_it() -> None:
    assert sides("好吃") == [True]
    assert sides("不好吃") == sides("不是很好吃") == sides("没有很满意") == [False]
    assert sides("没有失望") == sides("不难吃") == [True]
    assert sides("不去了，好吃") == [True]  # a stop ends what is negated
    assert sides("没有不满意") == [True]  # twice is not at all


def test_a_negated_word_shares_no_ngram_with_itself() -> None:
    marked = LEXICON.marked("没有失望，失望")
    assert len(marked) == 7
    assert marked[:2] == "没有"
    assert marked[2:4] != "失望"
    assert marked[4:] == "，失望"
    assert LEXICON.marked("很失望") == "很失望"


def test_what_follows_a_contrast_stands_apart() -> None:
    before, after = LEXICON.evidence(["难吃，但是很满意", "很满意，但是难吃"])
    assert len(before) == EVIDENCE
    assert not np.array_equal(before, after)
    assert before[0] == after[0] == 0  # as much praise as blame
    assert before[2] > 0 > after[2]  # and what counts is said last


def corpus() -> tuple[list[str], np.ndarray, list[str]]:
    """Three trades with things of their own, judged by words that all share."""
    generator = np.random.default_rng(3)
    goods = {"food": "饭菜汤面饼", "hotel": "房床窗厅灯", "shop": "鞋衣包帽裤"}
    good, bad = ["好吃满意", "很喜欢", "真不错", "值得"], ["难吃", "太差了", "很失望", "后悔"]
    texts, labels, topics = [], [], []
    for topic, things in goods.items():
        for number in range(60):
            label = int(generator.integers(2))
            told = label if number % 10 else 1 - label  # one in ten is labelled wrong, as in life
            word = (good if label else bad)[int(generator.integers(4))]
            texts.append(f"{things[number % 5]}{word}{things[number % 3]}{number}")
            labels.append(told)
            topics.append(topic)
    return texts, np.array(labels), topics


@cache
def fit_once() -> Fitted:
    """Made once; a function, for Hypothesis takes no fixtures."""
    return fit_polarity(*corpus(), LEXICON, bits=14, rarest=2, strengths=(1.0,))


@pytest.fixture
def model() -> Polarity:
    return fit_once().model


def test_a_model_judges_a_topic_that_was_left_out() -> None:
    topics = fit_once().topics
    assert set(topics) == {"food", "hotel", "shop"}
    assert all(right > 0.8 for _n, right, _loss in topics.values())


def test_the_same_texts_give_the_same_model(model: Polarity) -> None:
    again = fit_polarity(*corpus(), LEXICON, bits=14, rarest=2, strengths=(1.0,)).model
    assert np.array_equal(model.weights, again.weights)
    assert (model.intercept, model.slope, model.band) == (again.intercept, again.slope, again.band)


def test_one_label_or_one_topic_is_refused() -> None:
    texts, labels, topics = corpus()
    with pytest.raises(ValueError, match="two labels"):
        fit_polarity(texts, np.ones_like(labels), topics, LEXICON, bits=12)
    with pytest.raises(ValueError, match="two topics"):
        fit_polarity(texts, labels, ["all"] * len(texts), LEXICON, bits=12)


def test_shares_of_characters_tell_which_word_decided(model: Polarity) -> None:
    """The word that blames has the lowest share, its negation the other sign; a thing has hardly any."""
    text, shares = model.character_shares("汤很失望", LEXICON)
    assert text == "汤很失望"
    assert shares[2:].sum() < min(shares[0], -0.5)
    _text, turned = model.character_shares("没有失望", LEXICON)
    assert turned[2:].sum() > shares[2:].sum()


def test_nothing_is_said_by_an_empty_text(model: Polarity) -> None:
    assert model.probabilities(["", "  "], LEXICON).tolist() == [0.5, 0.5]
    assert model.probabilities([], LEXICON).shape == (0,)
    assert model.call(0.5) == "neutral"
    assert model.call(0.99) == "positive"
    assert model.call(0.01) == "negative"


def test_intents_by_phrases_with_exceptions() -> None:
    finder = IntentFinder(
        [
            IntentRule("repurchase", ("会再来", "下次*还来"), ("不会再来",)),
            IntentRule("refund", ("退款", "能退")),
        ]
    )
    assert finder.find("下次一定还来，会再来") == ["repurchase"]
    assert finder.find("不会再来了") == []
    assert finder.find("不会再来？会再来！能退吗") == ["repurchase", "refund"]
    assert finder.find("下次，我想还来") == []  # a star does not pass a stop


def corrections(blame: str, count: int) -> tuple[list[str], np.ndarray]:
    """Texts of a shop in whose mouth one word of the model's praise is blame."""
    things = ["衣鞋包帽裤"[n % 5] + "红黄蓝绿白黑"[n % 6] + "甲乙丙丁戊己庚"[n % 7] for n in range(count)]
    texts = [f"{blame}{thing}" for thing in things] + [f"很喜欢{thing}" for thing in things]
    return texts, np.array([0] * count + [1] * count)


def test_corrections_teach_what_the_model_had_wrong(model: Polarity) -> None:
    texts, labels = corrections("真不错", 60)  # said in irony, always
    learned = learn_layer(texts, labels, model, LEXICON)
    assert learned.layer is not None
    assert learned.right_after > learned.right_before
    assert learned.loss_after < learned.loss_before
    assert learned.layer.probabilities(["真不错鞋紫"], model, LEXICON)[0] < 0.5
    assert model.probabilities(["真不错鞋紫"], LEXICON)[0] > 0.5


@given(st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_a_layer_never_does_worse_on_what_was_held_back(seed: int) -> None:
    """Even corrections by chance: whatever is taken loses less and is right no less often."""
    generator = np.random.default_rng(seed)
    known = fit_once().model
    texts = [f"{chr(0x4E00 + number)}{chr(0x5000 + int(generator.integers(900)))}好" for number in range(40)]
    learned = learn_layer(texts, generator.integers(0, 2, len(texts)), known, LEXICON)
    assert learned.loss_after <= learned.loss_before
    assert learned.right_after >= learned.right_before
    assert learned.held == sum(map(is_held, texts))


def test_a_layer_in_use_stays_where_the_next_is_no_better(model: Polarity) -> None:
    """Learned from the same corrections again, nothing loses less than what is in use."""
    texts, labels = corrections("真不错", 60)
    first = learn_layer(texts, labels, model, LEXICON)
    assert first.layer is not None
    again = learn_layer(texts, labels, model, LEXICON, first.layer)
    assert again.layer is None
    assert again.loss_before == pytest.approx(first.loss_after)


def test_few_corrections_teach_nothing(model: Polarity) -> None:
    texts, labels = corrections("真不错", LEAST // 2 - 1)
    assert learn_layer(texts, labels, model, LEXICON).layer is None
    assert learn_layer([], np.zeros(0, dtype=np.int64), model, LEXICON).count == 0
