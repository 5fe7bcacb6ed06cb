"""`huitou import` as scripts use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation
from typer.testing import CliRunner

from config.cli import build
from huitou.core.errors import DomainError
from huitou.core.home import Home
from huitou.sources.models import ImportRun
from huitou.sources.tests.reading import write

TEXT = "Invoice No,Item,Qty,When,Price £,Who\nA1,s,2,2011-03-01 10:00,1.5,c1\nA2,s,x,2011-03-01 10:00,1.5,c1\n"
MAP = ["--map", "order_id=Invoice No", "--map", "sku=Item", "--map", "quantity=Qty", "--map", "paid_at=When"]
MAP += ["--map", "unit_price=Price £", "--map", "customer_id=Who"]


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Messages are compared in the language they are written in."""
    with translation.override("en"):
        yield


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(build(), ["import", *arguments])
    if isinstance(result.exception, DomainError):
        raise result.exception
    return result.exit_code, result.stdout


@pytest.mark.django_db(transaction=True)
def test_orders_as_json(tmp_path: Path, home: Home) -> None:
    """One object on standard output with the promised names; rejects alone are no failure."""
    path = write(tmp_path / "o.csv", TEXT)
    code, out = run("orders", str(path), *MAP, "--json")
    told = json.loads(out)
    assert code == 0
    names = ("rows", "accepted", "rejected", "orders", "customers")
    assert [told[name] for name in names] == [2, 1, 1, 1, 1]
    assert Path(told["reject_file"]).is_file()
    assert told["mapping"]["columns"]["unit_price"] == "Price £"
    code, again = run("orders", str(path), *MAP, "--json")
    assert json.loads(again) == told


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_and_a_mapping_file(tmp_path: Path, home: Home) -> None:
    """Nothing is stored, the mapping file is the same as the pairs, and people get a table."""
    path = write(tmp_path / "o.csv", TEXT)
    mapping = write(
        tmp_path / "m.yaml",
        "columns: {order_id: Invoice No, sku: Item, quantity: Qty, paid_at: When, unit_price: Price £,"
        " customer_id: Who}\n",
    )
    code, out = run("orders", str(path), "--mapping", str(mapping), "--dry-run", "--json")
    assert (code, json.loads(out)["accepted"], json.loads(out)["dry_run"]) == (0, 1, True)
    assert not ImportRun.objects.exists()
    code, out = run("orders", str(path), "--mapping", str(mapping), "--dry-run")
    assert code == 0
    assert "Invoice No" in out


@pytest.mark.django_db(transaction=True)
def test_nothing_accepted_is_a_failure(tmp_path: Path, home: Home) -> None:
    """The report is still printed, and the command fails; a mapping that does not fit is refused at once."""
    path = write(tmp_path / "o.csv", TEXT.replace("A1,", "1.2E+18,"))
    code, out = run("orders", str(path), *MAP, "--json")
    assert (code, json.loads(out)["accepted"]) == (1, 0)
    with pytest.raises(DomainError, match="nocolumn"):
        run("orders", str(path), "--map", "order_id=nocolumn")


@pytest.mark.django_db(transaction=True)
def test_customers_and_products(tmp_path: Path, home: Home) -> None:
    """The other two kinds, by the headers alone."""
    code, out = run("customers", str(write(tmp_path / "c.csv", "customer_id,name\nc1,x\n")), "--json")
    assert (code, json.loads(out)["customers"]) == (0, 1)
    code, out = run("products", str(write(tmp_path / "p.csv", "sku,name\ns1,x\n")), "--json")
    assert (code, json.loads(out)["accepted"]) == (0, 1)
