"""What the import form sends becomes import options, and a job's progress can be watched from another process."""

from __future__ import annotations

from huitou.core.home import Home
from huitou.sources.job_progress import JobState, Reporter, forget_state, read_state, write_state
from huitou.sources.preview import read_choices


def test_a_fresh_form_leaves_everything_to_recognition() -> None:
    choices = read_choices("orders", None, "")
    assert choices.options.to_json() == {}
    assert not choices.told


def test_sent_columns_words_and_texts_become_options() -> None:
    posted = {
        "map.order_id": "订单号",
        "map.sku": "",
        "word.status:飞走了": "cancelled",
        "word.status:在路上": "no such meaning",
        "read.encoding": "gb18030",
        "read.refund_prefix": " C ",
        "csrfmiddlewaretoken": "x",
    }
    options = read_choices("orders", posted, "").options
    assert options.to_json() == {
        "columns": {"order_id": "订单号"},
        "values": {"status": {"飞走了": "cancelled"}},
        "encoding": "gb18030",
        "refund_prefix": "C",
    }


def test_a_ready_mapping_gives_way_to_what_was_sent() -> None:
    fresh = read_choices("orders", None, "taobao")
    assert "order_id" in fresh.options.columns
    sent = read_choices("orders", {"map.order_id": "我的订单号"}, "taobao")
    assert dict(sent.options.columns) == {"order_id": ("我的订单号",)}
    assert sent.options.source == fresh.options.source


def test_a_ready_mapping_that_does_not_exist_is_none() -> None:
    assert read_choices("orders", None, "../../etc/passwd").options.to_json() == {}


def test_progress_is_written_read_and_forgotten(home: Home) -> None:
    assert read_state(home, "job") is None
    report = Reporter(home, "job")
    report(0, 4, "reading")
    report(4, 4, "reading")
    state = read_state(home, "job")
    assert state == JobState("running", step="reading", done=4, total=4)
    assert state is not None
    assert state.percent == 100
    write_state(home, "job", JobState("done"))
    assert (found := read_state(home, "job")) is not None
    assert found.is_over
    forget_state(home, "job")
    forget_state(home, "job")
    assert read_state(home, "job") is None


def test_a_damaged_progress_file_is_no_progress(home: Home) -> None:
    write_state(home, "job", JobState("running"))
    (home.root / "progress" / "job.json").write_text("{")
    assert read_state(home, "job") is None
