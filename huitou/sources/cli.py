"""`huitou import`: order, customer and product files on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huitou.core.boot import booted
from huitou.sources.connections.cli import app as connections
from huitou.sources.connectors.complete_journey.cli import app as example
from huitou.sources.events_cli import app as events
from huitou.sources.events_cli import refresh
from huitou.sources.feeds.cli import app as feeds
from huitou.sources.tracking.cli import app as plan

if TYPE_CHECKING:
    from huitou.sources.importing.options import ImportOptions

app = typer.Typer(help="Import order, customer and product files.")
COMMANDS = {
    "import": app,
    "example": example,
    "events": events,
    "refresh": refresh,
    "plan": plan,
    "feeds": feeds,
    "connections": connections,
}

PathArgument = Annotated[Path, typer.Argument(help="CSV, TSV, Excel or Parquet file", show_default=False)]
MapOption = Annotated[
    list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="which column a field is; repeat")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="one value for all rows; repeat")
]
WordOption = Annotated[
    list[str] | None,
    typer.Option("--map-value", metavar="FIELD:WORD=MEANING", help="what a shop's word means; repeat"),
]
MappingOption = Annotated[Path | None, typer.Option("--mapping", help="mapping file, YAML or JSON")]
PresetOption = Annotated[str, typer.Option("--preset", help="ready mapping: taobao, douyin, youzan, jushuitan ...")]
SourceOption = Annotated[
    str, typer.Option("--source", help="feed name; order numbers are unique inside one [default: file]")
]
ZoneOption = Annotated[str, typer.Option("--zone", help="zone of times without one; default: the brand's")]
EncodingOption = Annotated[str, typer.Option("--encoding", help="utf-8, gb18030 ...; default: detected")]
SeparatorOption = Annotated[str, typer.Option("--separator", help="comma, tab, semicolon, pipe; default: detected")]
DateOrderOption = Annotated[str, typer.Option("--date-order", help="dmy, mdy or ymd, where a file does not tell")]
SheetOption = Annotated[str, typer.Option("--sheet", help="sheet of a workbook; default: the one that fits best")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="show everything, store nothing")]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON object")]


@app.command("orders")
@booted
def orders(
    path: PathArgument,
    columns: MapOption = None,
    constants: SetOption = None,
    values: WordOption = None,
    mapping: MappingOption = None,
    preset: PresetOption = "",
    source: SourceOption = "",
    lines: Annotated[Path | None, typer.Option("--lines", help="separate line file of the same orders")] = None,
    refund_prefix: Annotated[
        str, typer.Option("--refund-prefix", help="order numbers beginning so are refunds, for example C")
    ] = "",
    zone: ZoneOption = "",
    encoding: EncodingOption = "",
    separator: SeparatorOption = "",
    date_order: DateOrderOption = "",
    sheet: SheetOption = "",
    is_dry: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Import an order file: one row for each order line."""
    texts = {
        "source": source,
        "refund_prefix": refund_prefix,
        "zone": zone,
        "encoding": encoding,
        "separator": separator,
        "date_order": date_order,
        "sheet": sheet,
    }
    options = _options(columns, constants, values, mapping, preset, texts)
    _import("orders", path, options, lines=lines, is_dry=is_dry, as_json=as_json)


@app.command("customers")
@booted
def customers(
    path: PathArgument,
    columns: MapOption = None,
    constants: SetOption = None,
    mapping: MappingOption = None,
    source: SourceOption = "",
    zone: ZoneOption = "",
    encoding: EncodingOption = "",
    separator: SeparatorOption = "",
    date_order: DateOrderOption = "",
    sheet: SheetOption = "",
    is_dry: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Import a customer file: one row for each person."""
    texts = {
        "source": source,
        "zone": zone,
        "encoding": encoding,
        "separator": separator,
        "date_order": date_order,
        "sheet": sheet,
    }
    options = _options(columns, constants, None, mapping, "", texts)
    _import("customers", path, options, is_dry=is_dry, as_json=as_json)


@app.command("products")
@booted
def products(
    path: PathArgument,
    columns: MapOption = None,
    constants: SetOption = None,
    mapping: MappingOption = None,
    source: SourceOption = "",
    encoding: EncodingOption = "",
    separator: SeparatorOption = "",
    sheet: SheetOption = "",
    is_dry: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Import a product file: one row for each product."""
    texts = {"source": source, "encoding": encoding, "separator": separator, "sheet": sheet}
    options = _options(columns, constants, None, mapping, "", texts)
    _import("products", path, options, is_dry=is_dry, as_json=as_json)


def _options(
    columns: list[str] | None,
    constants: list[str] | None,
    values: list[str] | None,
    mapping: Path | None,
    preset: str,
    texts: dict[str, str],
) -> ImportOptions:
    """What was said on the command line, over the mapping file, over the ready mapping."""
    from huitou.sources.importing.options import ImportOptions, options_from_pairs, read_mapping_file, read_preset

    options = options_from_pairs(columns=columns or (), constants=constants or (), values=values or (), texts=texts)
    if mapping is not None:
        options = options.over(read_mapping_file(mapping))
    return options.over(read_preset(preset) if preset else ImportOptions())


def _import(
    kind: str, path: Path, options: ImportOptions, *, lines: Path | None = None, is_dry: bool, as_json: bool
) -> None:
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json, progress
    from huitou.sources import report
    from huitou.sources.queries import import_report
    from huitou.sources.services import NothingAcceptedError, dry_run, resume_imports, run_import, start_import

    unchanged = False
    with progress(_("Import %(name)s") % {"name": path.name}) as tell:
        if is_dry:
            found = dry_run(path=path, kind=kind, options=options, lines_path=lines, progress=tell)
            told: dict[str, Any] = report.of_dry_run(found, kind=kind, path=path, source=options.source)
            failed = not found.counts.accepted
        else:
            # What a killed import left comes first: its file was there earlier.
            resume_imports(progress=tell)
            run = start_import(path=path, kind=kind, options=options, lines_path=lines)
            unchanged, failed = run.state == "done", False
            try:
                run = run_import(run.pk, progress=tell)
            except NothingAcceptedError:
                failed = True
                run.refresh_from_db()
            told = import_report(run)
    if as_json:
        print_json(told)
    else:
        report.show(told, unchanged=unchanged)
    if failed:
        raise typer.Exit(1)
