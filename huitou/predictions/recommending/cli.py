"""`huitou rules`: what is bought together, and what follows within a window; `huitou recommend`: what to offer whom."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from huitou.core.boot import booted


class Key(StrEnum):
    """What an item is."""

    SKU = "sku"
    CATEGORY = "category"


class Mode(StrEnum):
    """Which items are ranked."""

    AGAIN = "again"
    NEW = "new"
    BASKET = "basket"


Out = Annotated[Path, typer.Option("--out", help="A .parquet or .csv file.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="A date: its first instant in the brand's zone, exclusive.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@booted
def rules(
    out: Out,
    key: Annotated[Key, typer.Option("--key", help="Rules between products or between categories.")] = Key.CATEGORY,
    min_support: Annotated[
        float, typer.Option("--min-support", help="Share of baskets, for chains of customers, that show the rule.")
    ] = 0.003,
    min_lift: Annotated[
        float, typer.Option("--min-lift", help="How many times as often as without the left side.")
    ] = 1.0,
    min_confidence: Annotated[
        float, typer.Option("--min-confidence", help="Share of those with the left side that have the right side.")
    ] = 0.0,
    window_days: Annotated[
        int, typer.Option("--window-days", help="Days within which a chain goes on to its second item.")
    ] = 90,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Pairs and triples bought in one basket, and chains from a first purchase to another within the window."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json, progress
    from huitou.orders.export import parse_as_of
    from huitou.predictions.recommending.mining import Asked, mine_rules

    asked = Asked(key.value, min_support, min_lift, min_confidence, window_days)
    instant = parse_as_of(as_of) if as_of else None
    with progress(_("Mining rules")) as report:
        done = mine_rules(asked=asked, out=out, as_of=instant, progress=report)
    if as_json:
        print_json(
            {
                "as_of": done.as_of,
                "key": key.value,
                "baskets": done.basket_count,
                "customers": done.customer_count,
                "item_sets": {str(size): count for size, count in done.item_sets.items()},
                "rules": done.rules,
                "chain_items": done.chain_items,
                "chain_items_left_out": done.items_left_out,
                "out": str(done.path),
            }
        )
        return
    typer.echo(
        _("%(pairs)d pairs, %(triples)d triples and %(chains)d chains from %(baskets)d baskets written to %(path)s.")
        % {
            "pairs": done.rules["pair"],
            "triples": done.rules["triple"],
            "chains": done.rules["sequence"],
            "baskets": done.basket_count,
            "path": done.path,
        }
    )
    if done.items_left_out:
        typer.echo(
            _("Chains were looked for among the %(count)d items with the most buyers; %(left)d others were left out.")
            % {"count": done.chain_items, "left": done.items_left_out}
        )


@booted
def recommend(
    out: Out,
    key: Annotated[Key, typer.Option("--key", help="Recommend products or categories.")] = Key.SKU,
    mode: Annotated[
        Mode,
        typer.Option(
            "--mode",
            help="again: only what the customer bought before; new: only what the customer never bought; "
            "basket: the next basket, whatever is in it.",
        ),
    ] = Mode.BASKET,
    top: Annotated[int, typer.Option("--top", help="How many for each customer.")] = 10,
    min_purchases: Annotated[
        int | None,
        typer.Option(
            "--min-purchases", help="Purchases that an item needs to be recommended; by default 10, fewer if small."
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", help="A YAML file: availability, suitability, recent purchases and variety."),
    ] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Ranked items for each customer: person_id, external_id, rank, key and score."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json, progress
    from huitou.orders.export import parse_as_of
    from huitou.predictions.recommending.limits import Limits
    from huitou.predictions.recommending.recommend import Asked
    from huitou.predictions.recommending.recommend import recommend as run

    limits = Limits.from_file(rules) if rules else Limits()
    asked = Asked(key.value, mode.value, top, min_purchases, limits)
    instant = parse_as_of(as_of) if as_of else None
    with progress(_("Recommending")) as report:
        done = run(asked=asked, out=out, as_of=instant, progress=report)
    if as_json:
        print_json(
            {
                "as_of": done.as_of,
                "key": key.value,
                "mode": mode.value,
                "customers": done.customer_count,
                "items": done.item_count,
                "min_purchases": done.least_purchases,
                "learned": done.is_learned,
                "rows": done.rows,
                "out": str(done.path),
            }
        )
        return
    typer.echo(
        _("%(rows)d recommendations for %(customers)d customers written to %(path)s.")
        % {"rows": done.rows, "customers": done.customer_count, "path": done.path}
    )
    if not done.is_learned:
        typer.echo(_("There are too few purchases to learn from yet: habits and what sells of late decided."))


COMMANDS = {"rules": rules, "recommend": recommend}
