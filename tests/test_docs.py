"""The documentation is true: generated pages are fresh, links lead somewhere, commands exist, the readme runs."""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import shlex
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from config import reference
from huitou.sources.intake.refusals import REASONS
from huitou.sources.statuses import VOCABULARIES, word_key
from huitou.sources.tracking.plan import shipped_plan
from tests.faults.servers import passable_folder

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
MARKDOWN = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
CAPABILITIES = DOCS / "reference" / "capabilities.md"


def pages_with(pattern: str) -> list[tuple[Path, str]]:
    """Every match of `pattern`'s first group with the page that holds it."""
    return [(page, found) for page in MARKDOWN for found in re.findall(pattern, page.read_text(), re.MULTILINE)]


@pytest.mark.parametrize("name", sorted(reference.PAGES))
def test_a_generated_page_says_what_the_code_says(name: str) -> None:
    page = DOCS / name
    assert page.read_text() == reference.PAGES[name]().rstrip() + "\n", "run: python -m config.reference"


def test_the_event_reference_lists_reasons_words_and_names() -> None:
    """Whatever advice points there finds it: reasons of dead letters, words of orders, and events known by name."""
    text = (DOCS / "reference/event-api.md").read_text(encoding="utf-8")
    for reason in REASONS:
        assert f"`{reason}`" in text
    for field in ("status", "order_type"):
        listed = {
            word_key(cell) for line in text.splitlines() for cell in line.strip("| ").split("| ")[-1].split(" · ")
        }
        assert set(VOCABULARIES[field]) <= listed
    assert set(re.findall(r"`([A-Z][a-z]+ [A-Z][a-z]+)`", text)) <= set(shipped_plan().events)


def test_every_link_leads_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page, target in pages_with(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert dead == []


def test_every_page_is_linked_from_another() -> None:
    linked = {(page.parent / target).resolve() for page, target in pages_with(r"\]\(([^)#\s]+)") if "://" not in target}
    roots = {ROOT / "README.md", ROOT / "README.zh-CN.md"}
    assert [str(p.relative_to(ROOT)) for p in MARKDOWN if p not in linked | roots] == []


def written_commands() -> list[tuple[Path, list[str]]]:
    """Every `huitou ...` line in code blocks and inline code, as words."""
    found = pages_with(r"^ {0,3}(?:\.venv/bin/)?(huitou [a-z].*)$") + pages_with(r"`(huitou [a-z][^`]*)`")
    generated = {DOCS / name for name in reference.PAGES}
    return [(page, shlex.split(text.replace("...", ""))) for page, text in found if page not in generated]


def test_every_command_in_the_docs_exists() -> None:
    known = {tuple(name.split()) for name in reference.command_names()}
    options = set(re.findall(r"`(?:-\w )?(--[a-z-]+)", reference.cli())) | set(
        re.findall(r"(--[a-z-]+)`", reference.cli())
    )
    groups = {name[:2] for name in known}
    wrong = []
    for page, words in written_commands():
        names = [tuple(words[:n]) for n in (2, 3, 4)]
        if not any(name in known for name in names) and tuple(words) not in groups:
            wrong.append(f"{page.relative_to(ROOT)}: {' '.join(words)}")
        unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in options]
        wrong += [f"{page.relative_to(ROOT)}: {' '.join(words)}: no {word}" for word in unknown]
    assert wrong == []


def test_both_readmes_give_the_same_commands_and_links() -> None:
    english, chinese = (
        (ROOT / name).read_text().replace('"我的品牌"', '"My brand"').replace(".zh-CN.png", ".png")
        for name in ("README.md", "README.zh-CN.md")
    )
    for pattern in (r"```sh\n(.*?)```", r"\]\((docs/[^)]+)\)"):
        assert re.findall(pattern, english, re.DOTALL) == re.findall(pattern, chinese, re.DOTALL)


def test_a_capability_that_works_names_a_test_that_exists() -> None:
    rows = re.findall(r"^\| ([A-Z]+-\d+) \| ([^|]+) \| ([^|]+) \|([^|]*)\|$", CAPABILITIES.read_text(), re.MULTILINE)
    identifiers = [row[0] for row in rows]
    assert len(identifiers) == len(set(identifiers)) == 307
    for identifier, _, state, proof in rows:
        if state.strip() == "not yet":
            assert not proof.strip(), identifier
            continue
        assert state.strip() in {"works", "in part"}, identifier
        named = re.findall(r"`([^`]+)::(test_\w+)`", proof)
        assert named, f"{identifier} says it works and names no test"
        for path, function in named:
            names = {n.name for n in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(n, ast.FunctionDef)}
            assert function in names, f"{identifier}: {path}::{function}"


def test_the_glossary_has_every_word_of_the_product() -> None:
    glossary = (DOCS / "glossary.md").read_text()
    words = "person customer event fact feature metric purchase refund exclusion occasion as-of complete covered"
    for word in [*words.split(), "lake", "refresh", "import", "source", "mapping", "brand", "example brand", "segment"]:
        assert re.search(rf"^\| {word} \|", glossary, re.MULTILINE | re.IGNORECASE), word
    english_only = [line for line in glossary.splitlines() if re.match(r"\| [a-zA-Z]", line) and "---" not in line]
    untranslated = [line for line in english_only if not re.search(r"[\u4e00-\u9fff]", line) and "Term" not in line]
    assert untranslated == []


def run_readme(home: Path) -> dict[str, str]:
    """Run the readme's block on own orders, as written, in an empty data directory; output by command."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    block = next(b for b in blocks if "huitou import" in b)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HUITOU_", "DJANGO_"))}
    environment |= {"HUITOU_HOME": str(home), "HUITOU_LANGUAGE": "en"}
    outputs = {}
    for line in block.strip().splitlines():
        words = shlex.split(line)
        assert words[0] == "huitou"
        more = ["--json"] if words[1] == "metrics" else []
        done = subprocess.run(
            [sys.executable, "-m", "config", *words[1:], *more],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        outputs[line] = done.stdout
    return outputs


def repurchase_by_month() -> dict[str, tuple[int, int]]:
    """(customers with two or more orders, customers) by month, counted by hand from the sample file."""
    orders: dict[tuple[str, str], set[str]] = defaultdict(set)
    with (DOCS / "guide" / "orders.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["订单状态"] != "交易关闭":
                orders[row["付款时间"][:7], row["会员号"]].add(row["订单号"])
    counted: dict[str, list[int]] = defaultdict(list)
    for (month, _), numbers in orders.items():
        counted[month].append(len(numbers))
    return {month: (sum(n > 1 for n in found), len(found)) for month, found in counted.items()}


def test_the_readmes_five_minutes_end_in_true_numbers() -> None:
    with passable_folder() as folder:
        outputs = run_readme(folder / "home")
    shown = json.loads(next(text for line, text in outputs.items() if "metrics show" in line))
    found = {row["period"]: (row["numerator"], row["denominator"]) for row in shown["rows"]}
    assert found == repurchase_by_month()
    assert any(numerator for numerator, _ in found.values())
