"""The `huitou` command as a whole: on an empty directory, in both languages, with clear refusals."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from config import cli
from huitou.core.home import Home
from tests.faults.product import environment, huitou
from tests.faults.servers import ROOT, eventually, passable_folder, processes


@pytest.fixture(scope="module")
def empty() -> Iterator[Home]:
    """A data directory that does not exist yet."""
    with passable_folder() as folder:
        home = Home(folder / "home")
        yield home
        assert eventually(lambda: not processes(home))


def test_a_command_on_an_empty_directory_starts_and_migrates_it_and_loads_nothing(empty: Home) -> None:
    ran = huitou(empty, "brand", "show", "--json")
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["error"]["code"] == "no_brand"
    assert ran.stderr == ""
    assert (empty.root / "postgres" / "data").is_dir() or (empty.root / "postgres" / "location").is_file()
    started = time.monotonic()
    ran = huitou(empty, "brand", "set", "--name", "Morgen", "--json")
    assert ran.returncode == 0, ran.stderr
    assert time.monotonic() - started < 10
    assert json.loads(ran.stdout)["name"] == "Morgen"


def test_a_refusal_is_one_line_in_the_chosen_language(empty: Home) -> None:
    english = huitou(empty, "brand", "set", "--zone", "Nowhere/Town")
    chinese = huitou(empty, "brand", "set", "--zone", "Nowhere/Town", HUITOU_LANGUAGE="zh")
    for ran in (english, chinese):
        assert ran.returncode in {1, 2}
        assert "Traceback" not in ran.stderr
        assert "Nowhere/Town" in ran.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUITOU_LOG_LEVEL", "BAD"),
        ("HUITOU_UPLOAD_MAX_MB", "zzz"),
        ("HUITOU_TRUSTED_PROXIES", "zzz"),
        ("HUITOU_LAKE_URL", "s3://b/x"),
        ("HUITOU_HTTPS", "zzz"),
    ],
)
def test_a_setting_that_cannot_be_understood_is_refused_in_a_sentence(empty: Home, name: str, value: str) -> None:
    ran = huitou(empty, "brand", "show", **{name: value})
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert name in ran.stderr
    assert value in ran.stderr


def test_customers_data_is_private(empty: Home) -> None:
    huitou(empty, "brand", "show")
    for name in ("lake", "uploads", "rejects", "staging", "logs"):
        assert (empty.root / name).stat().st_mode & 0o077 == 0, name
    assert (empty.root / "secret-key").stat().st_mode & 0o077 == 0


def test_the_web_server_logs_to_a_file_with_tracebacks(empty: Home) -> None:
    fail = (
        "import config.web, logging\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: logging.getLogger('django.request').exception('of 13812345678')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", fail], cwd=ROOT, env=environment(empty), capture_output=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    written = (empty.logs / "web.log").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in written
    assert "13812345678" not in written


def test_every_command_explains_itself_without_starting_anything(home: Home) -> None:
    ran = huitou(home, "--help")
    assert ran.returncode == 0
    for name in ("up", "serve", "worker", "brand"):
        assert name in ran.stdout
    assert not home.root.exists()


def test_wrong_usage_is_no_traceback(home: Home) -> None:
    ran = huitou(home, "up", "--nonsense")
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert not home.root.exists()


def test_groups_of_one_name_are_joined_and_other_clashes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = typer.Typer(), typer.Typer()
    first.command("orders")(lambda: print("orders"))  # noqa: T201
    second.command("customers")(lambda: print("customers"))  # noqa: T201
    declared: list[tuple[str, str, cli.Command]] = [("a", "import", first), ("b", "import", second)]
    monkeypatch.setattr(cli, "_declared", lambda: declared)
    for _ in range(2):  # joining changes nothing that was declared
        root = cli.build()
        for word in ("orders", "customers"):
            assert CliRunner().invoke(root, ["import", word]).output.strip() == word
    declared.append(("c", "import", lambda: None))
    with pytest.raises(ValueError, match="import"):
        cli.build()
