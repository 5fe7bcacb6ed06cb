"""The engine that the settings name is had, or the refusal says what is missing and how to mend it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from huitou.analytics.engines import DuckEngine, EngineAddress, EngineError
from huitou.core.engine import EngineUnavailableError, open_home_engine
from huitou.core.home import Home

pytestmark = pytest.mark.django_db


def _told(home: Home, monkeypatch: pytest.MonkeyPatch, engine: str, options: str = "") -> EngineUnavailableError:
    monkeypatch.setenv("HUITOU_ENGINE", engine)
    monkeypatch.setenv("HUITOU_SPARK_OPTIONS", options)
    with pytest.raises(EngineUnavailableError) as caught:
        open_home_engine(home)
    assert not caught.value.permanent, "the next try may find it mended"
    return caught.value


@pytest.mark.parametrize("value", [None, "", "duckdb", " duckdb "])
def test_duckdb_is_what_computes_unless_told_otherwise(
    home: Home, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("HUITOU_ENGINE", raising=False)
    if value is not None:
        monkeypatch.setenv("HUITOU_ENGINE", value)
    with open_home_engine(home) as engine:
        assert isinstance(engine, DuckEngine)


@pytest.mark.parametrize("value", ["postgres", "spark", "local[two]", "local-cluster[2]", "yarn"])
def test_another_engine_is_refused_with_those_that_there_are(
    home: Home, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    error = _told(home, monkeypatch, value)
    assert error.code == "unknown_engine"
    assert value in str(error)
    assert "spark://" in str(error)


def test_an_option_without_a_value_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "spark.executor.memory4g" in str(_told(home, monkeypatch, "local[1]", "spark.executor.memory4g"))


def test_without_pyspark_it_says_how_to_install_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huitou.analytics.engines.spark_session.find_spec", lambda _name: None)
    assert "make spark" in str(_told(home, monkeypatch, "local[1]"))


@pytest.fixture
def with_pyspark(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where PySpark is installed; looking comes before connecting, so nothing of it is needed."""
    monkeypatch.setattr("huitou.analytics.engines.spark_session.find_spec", lambda _name: object())


@pytest.mark.usefixtures("with_pyspark")
def test_without_java_it_says_what_to_install(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    error = _told(home, monkeypatch, "local[1]")
    assert error.code == "java_missing"
    assert str(tmp_path) in str(error)
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _told(home, monkeypatch, "local[1]").code == "java_missing"


@pytest.mark.usefixtures("with_pyspark")
def test_a_master_that_does_not_answer_is_named(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.touch()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        address = f"spark://127.0.0.1:{taken.getsockname()[1]}"
        error = _told(home, monkeypatch, address)
    assert error.code == "cluster_unreachable"
    assert address in str(error)


@pytest.mark.usefixtures("with_pyspark")
def test_a_lake_that_workers_cannot_see_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITOU_LAKE_URL", "s3://bucket/lake")
    assert "s3://bucket/lake" in str(_told(home, monkeypatch, "local[1]"))


def test_every_reason_has_words() -> None:
    """Each code that is raised anywhere is one that the text is made for."""
    import re

    import huitou.analytics.engines as engines
    import huitou.core.engine as words

    folder = Path(engines.__file__).parent
    raised = {code for path in folder.glob("*.py") for code in re.findall(r'EngineError\(\s*"(\w+)"', path.read_text())}
    assert len(raised) > 6
    told = Path(words.__file__).read_text()
    assert {code for code in raised if f'"{code}"' not in told} == set()


def test_masters_of_a_cluster_are_all_known() -> None:
    address = EngineAddress.parse("spark://one:7077,two:7078", "a=1 b=x=y")
    assert address.hosts == (("one", 7077), ("two", 7078))
    assert address.settings() == {"a": "1", "b": "x=y"}
    with pytest.raises(EngineError):
        EngineAddress("spark:/one")
