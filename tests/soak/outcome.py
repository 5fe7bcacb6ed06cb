"""Results of the long tests, kept in the repository beside them."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "results"


def write_result(name: str, values: Mapping[str, object]) -> None:
    """Write `values` with the machine and the day into `results/<name>.json`."""
    FOLDER.mkdir(exist_ok=True)
    machine = {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    document = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine, **values}
    (FOLDER / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
