"""Understanding texts: files in and out, the shipped model, corrections, the page, and forgetting a customer."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from django.test import Client
from django.utils import translation
from typer.testing import CliRunner

from config.cli import build
from huitou.accounts.models import AuditEntry, Brand, User
from huitou.accounts.roles import ADMIN, ANALYST
from huitou.catalog.models import Product
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.customers.models import Person
from huitou.predictions.models import CorrectedText, TextLesson
from huitou.predictions.personal_data import erase, export
from huitou.predictions.text.files import Classified, TextFileError, classify_file, read_table
from huitou.predictions.text.queries import current_layer, explain
from huitou.predictions.text.reading import TextReader, TextRulesError, declared_intents
from huitou.predictions.text.services import (
    CorrectionRefusedError,
    TooFewCorrectionsError,
    correct_text,
    learn_from_corrections,
    use_lesson,
)
from huitou.predictions.text.shipped import DATA
from huitou.predictions.text.train import main as train
from huitou.sources.models import EventDetail
from huitou.stats.text.layer import LEAST

NOW = datetime(2024, 4, 9, 4, 0, tzinfo=UTC)
CLOCK = FixedClock(NOW)
PRAISE = [
    "味道很好，分量足，下次还会再来",
    "送得很快，还是热的",
    "衣服质量不错，穿着舒服",
    "客服很耐心，满意",
    "没有失望，值得买",
]
BLAME = [
    "送餐太慢，饭都凉了",
    "质量太差，穿一次就开线",
    "一点都不好吃，再也不点了",
    "客服态度恶劣，还不给退款",
    "房间又脏又吵，后悔",
]


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return TextReader()


def test_plain_praise_and_blame_are_told_apart(reader: TextReader) -> None:
    """Sentences of trades that the corpus hardly knows; none of them is near the middle."""
    assert [one.sentiment for one in reader.read(PRAISE)] == ["positive"] * 5
    assert [one.sentiment for one in reader.read(BLAME)] == ["negative"] * 5


def test_a_mere_question_is_neither(reader: TextReader) -> None:
    asked, told = reader.read(["这个面霜多少钱？", "这么难吃还卖多少钱？"])
    assert (asked.sentiment, asked.intents) == ("neutral", ["ask_price"])
    assert told.sentiment == "negative"


def test_the_shipped_model_is_small_and_tells_its_origin() -> None:
    assert (DATA / "polarity.npz").stat().st_size < 3_000_000
    about = json.loads((DATA / "polarity.json").read_text(encoding="utf-8"))["about"]
    assert "MIT" in about["corpus"]
    assert "MIT" in (DATA / "NOTICE").read_text(encoding="utf-8")


def test_training_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name, words in (("pos.txt", "很好满意喜欢"), ("neg.txt", "太差失望后悔")):
        lines = [f"{thing}{words[at : at + 2]}{at}" for thing in ("酒店", "电脑", "这本书", "东西") for at in (0, 2, 4)]
        (corpus / name).write_text("\n".join(f"{line}{'呀' * n}" for line in lines for n in range(4)), encoding="utf-8")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert train(["--corpus", str(corpus), "--out", str(tmp_path / name)]) == 0
    for file in ("polarity.npz", "polarity.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_every_intent_has_both_names_and_finds_its_own_words() -> None:
    """A phrase that its own exceptions take away would never be found."""
    from huitou.stats.text.intents import IntentFinder

    for code, intent in declared_intents().items():
        assert set(intent.names) == {"en", "zh-hans"}, code
        finder = IntentFinder([intent.rule])
        for phrase in intent.rule.phrases:
            assert finder.find(phrase.replace("*", "")) == [code], (code, phrase)
        for phrase in intent.rule.exceptions:
            assert finder.find(phrase.replace("*", "")) in ([], [code]), phrase


def test_a_brand_adds_intents_words_and_names(tmp_path: Path) -> None:
    (tmp_path / "intents.yaml").write_text(
        "intents: [{code: gift, name: 送礼, any: [送妈妈, 送长辈]}]", encoding="utf-8"
    )
    (tmp_path / "words.yaml").write_text("praise: 绝绝好\nblame: 嘎嘣碎碎", encoding="utf-8")
    (tmp_path / "names.txt").write_text("云朵小白鞋\n", encoding="utf-8")
    own = TextReader(tmp_path)
    found = next(own.read(["云朵小白鞋嘎嘣碎碎，送妈妈"]))
    assert "gift" in found.intents
    assert found.keywords[0] == "云朵小白鞋"
    plain = TextReader().probabilities(["嘎嘣碎碎", "绝绝好"])
    assert own.probabilities(["嘎嘣碎碎"])[0] < plain[0]
    assert own.probabilities(["绝绝好"])[0] > plain[1]
    (tmp_path / "intents.yaml").write_text("intents: [{code: gift, any: ['']}]", encoding="utf-8")
    with pytest.raises(TextRulesError, match="gift"):
        TextReader(tmp_path)


def classified(reader: TextReader, file: Path, out: Path, column: str = "") -> tuple[Classified, pa.Table]:
    done = classify_file(file, out, reader, column=column)
    return done, parquet.read_table(out)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_rows_keep_their_order_and_columns(reader: TextReader, tmp_path: Path, encoding: str) -> None:
    file, out = tmp_path / "a.csv", tmp_path / "a.parquet"
    file.write_text('label,review\n1,"好吃，\n满意"\n0,难吃\n1,\n', encoding=encoding)
    done, table = classified(reader, file, out)
    assert table.column_names == ["label", "review", "sentiment", "p_positive", "intents", "keywords"]
    assert table["sentiment"].to_pylist() == ["positive", "negative", "neutral"]
    assert table["label"].to_pylist() == ["1", "0", "1"]
    assert (done.rows, done.column) == (3, "review")
    assert all(0 <= p <= 1 for p in table["p_positive"].to_pylist())


def test_lines_and_parquet_in_csv_out(reader: TextReader, tmp_path: Path) -> None:
    lines, held, out = tmp_path / "a.txt", tmp_path / "b.parquet", tmp_path / "out.csv"
    lines.write_text("好吃\n\n怎么卖？多少钱\n", encoding="utf-8")
    assert classify_file(lines, out, reader).rows == 3
    assert "ask_price" in out.read_text(encoding="utf-8-sig").splitlines()[3]
    parquet.write_table(pa.table({"id": [1], "x": ["难吃"], "sentiment": ["?"]}), held)
    assert classify_file(held, out, reader, column="x").rows == 1
    assert "input_sentiment" in out.read_text(encoding="utf-8-sig").splitlines()[0]


def test_bad_files_say_what_and_how(reader: TextReader, tmp_path: Path) -> None:
    def refused(name: str, content: bytes, match: str, column: str = "") -> None:
        (tmp_path / name).write_bytes(content)
        with translation.override("en"), pytest.raises(TextFileError, match=match):
            read_table(tmp_path / name, column)

    refused("a.csv", b"a,b\n1\n", "line 2 has 1 fields")
    refused("b.csv", b"a,b\n1,2\n", "--column")
    refused("c.csv", b"text,b\n1,2\n", "no column c", "c")
    refused("d.csv", b"", "empty")
    refused("e.csv", b"\xff\xff\x00\x01", "neither UTF-8")
    refused("f.parquet", b"PAR", "cannot be read")
    refused("g.docx", b"", r"\.csv")
    refused("h.csv", b"a,a\n1,2\n", "same name")
    with translation.override("en"), pytest.raises(TextFileError, match="no file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "ok.txt").write_text("好", encoding="utf-8")
    with pytest.raises(TextFileError, match=r"\.parquet"):
        classify_file(tmp_path / "ok.txt", tmp_path / "out.json", reader)
    with translation.override("en"), pytest.raises(TextFileError, match="cannot be written"):
        classify_file(tmp_path / "ok.txt", tmp_path / "no" / "out.csv", reader)


def test_words_of_a_text_are_its_characters_in_order(reader: TextReader) -> None:
    words = explain(reader, "菜很好吃，客服态度恶劣！")
    assert "".join(word.text for word in words) == "菜很好吃,客服态度恶劣!"
    assert min(words, key=lambda word: word.share).text == "态度恶劣"
    assert {word.text: word.side for word in words}["好吃"] == "praise"


@pytest.mark.django_db(transaction=True)
def test_the_command_reads_a_file_with_the_names_of_products(home: Home, tmp_path: Path) -> None:
    Product.objects.create(sku="s1", name="云朵小白鞋", updated_at=NOW)
    file, out = tmp_path / "a.csv", tmp_path / "a.parquet"
    file.write_text("id,评论\n1,云朵小白鞋很舒服，满意\n2,云朵小白鞋太差了\n", encoding="utf-8")
    ran = CliRunner().invoke(build(), ["classify", "text", str(file), "--out", str(out), "--json"])
    assert ran.exit_code == 0, (ran.output, ran.exception)
    said = json.loads(ran.stdout)
    assert (said["rows"], said["column"]) == (2, "评论")
    assert said["sentiments"] == {"positive": 1, "neutral": 0, "negative": 1}
    assert all(words[0] == "云朵小白鞋" for words in parquet.read_table(out)["keywords"].to_pylist())


@pytest.fixture
def brand(db: None) -> Brand:
    return Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY", clock_now=NOW)


def correct(text: str, sentiment: str, person: Person | None = None) -> CorrectedText:
    person_id = person.pk if person else None
    return correct_text(text=text, sentiment=sentiment, called="positive", person_id=person_id, clock=CLOCK)


@pytest.mark.django_db
def test_a_correction_counts_once_and_the_last_word_counts() -> None:
    one = correct("真行啊！", "negative")
    assert correct("真行啊!", "negative").pk == one.pk  # the same text in another spelling
    assert AuditEntry.objects.filter(action="text.corrected").count() == 1
    correct("真行啊！", "positive")
    assert CorrectedText.objects.get().sentiment == "positive"
    entries = AuditEntry.objects.filter(action="text.corrected")
    assert len(entries) == 2
    assert not any("真行" in json.dumps([entry.detail, entry.target], ensure_ascii=False) for entry in entries)


@pytest.mark.django_db
@pytest.mark.parametrize(("text", "sentiment"), [("", "positive"), ("好", "neutral"), ("好" * 10_001, "positive")])
def test_a_correction_that_says_nothing_is_refused(text: str, sentiment: str) -> None:
    with pytest.raises(CorrectionRefusedError):
        correct(text, sentiment)
    assert not CorrectedText.objects.exists()


@pytest.mark.django_db
def test_corrections_are_learned_used_and_taken_back() -> None:
    """A shop whose customers say 绝了 in anger: the model learns it, and can go back."""
    with pytest.raises(TooFewCorrectionsError):
        learn_from_corrections(clock=CLOCK)
    for number in range(LEAST * 2):
        who = chr(0x4E00 + number * 7)
        correct(f"这家店绝了，小{who}也绝了", "negative")
        correct(f"小{who}很热情，满意", "positive")
    lesson = learn_from_corrections(clock=CLOCK)
    assert lesson.in_use
    assert lesson.right_after > lesson.right_before
    layer = current_layer()
    assert layer is not None
    angry = "他家绝了"
    before, after = TextReader().probabilities([angry])[0], TextReader(layer=layer).probabilities([angry])[0]
    assert after < 0.5 < before
    use_lesson(lesson_id=None, clock=CLOCK)
    assert current_layer() is None
    use_lesson(lesson_id=lesson.pk, clock=CLOCK)
    assert TextLesson.objects.get(in_use=True).pk == lesson.pk
    with pytest.raises(CorrectionRefusedError):
        use_lesson(lesson_id=lesson.pk + 1, clock=CLOCK)
    assert TextLesson.objects.get(in_use=True).pk == lesson.pk


@pytest.mark.django_db
def test_corrected_texts_go_with_the_customer() -> None:
    who, other = Person.objects.create(created_at=NOW), Person.objects.create(created_at=NOW)
    correct("我要退款", "negative", who)
    correct("很满意", "positive", other)
    assert [row["text"] for row in export([who.pk], [])["corrected_texts"]] == ["我要退款"]
    assert erase([who.pk], []) == {"corrected_texts": 1}
    assert CorrectedText.objects.get().text == "很满意"


def client(role: str) -> Client:
    user = User.objects.create_user(role, password="x", role=role, is_superuser=role == ADMIN)
    found = Client()
    found.force_login(user)
    return found


@pytest.mark.django_db
def test_the_page_shows_what_customers_wrote_and_takes_corrections(brand: Brand) -> None:
    who = Person.objects.create(created_at=NOW)
    for text in ("送餐太慢，打13812345678，要求退款", "<b>好</b>评"):
        EventDetail.objects.create(
            event_hash=uuid.uuid4(), person=who, occurred_at=NOW, properties={"review_body": text, "url": "x"}
        )
    EventDetail.objects.create(event_hash=uuid.uuid4(), person=who, occurred_at=NOW, properties={"url": "/secret"})
    browser = client(ADMIN)
    page = browser.get("/texts/").content.decode()
    assert "退款" in page
    assert f"/customers/{who.pk}/" in page
    assert "/secret" not in page
    assert "<b>" not in page
    assert "13812345678" not in page
    event = next(one for one in EventDetail.objects.all() if "太慢" in one.properties.get("review_body", ""))
    browser.post("/texts/correct/", {"event": event.event_hash.hex, "sentiment": "negative"})
    kept = CorrectedText.objects.get()
    assert (kept.person_id, "13812345678" in kept.text) == (who.pk, True)
    assert browser.post("/texts/correct/", {"event": "0", "sentiment": "negative"}).status_code == 404
    assert "更正为" in browser.get("/texts/").content.decode()
    page = browser.post("/texts/", {"texts": "太好吃了\n多少钱"}).content.decode()
    assert page.count('class="words"') == 2
    assert browser.post("/texts/learn/", {"act": "learn"}).status_code == 302
    assert browser.post("/texts/learn/", {"act": "?"}).status_code == 404
    assert not TextLesson.objects.exists()  # too few


@pytest.mark.django_db
def test_who_only_looks_corrects_nothing(brand: Brand) -> None:
    browser = client(ANALYST)
    assert browser.post("/texts/", {"texts": "好吃"}).status_code == 200
    assert browser.post("/texts/correct/", {"text": "好", "sentiment": "negative"}).status_code == 403
    assert browser.post("/texts/learn/", {"act": "learn"}).status_code == 403
    assert not CorrectedText.objects.exists()
