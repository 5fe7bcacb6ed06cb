"""What a command loads: who asks for one figure must not wait for everything that the product can do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Each of them takes longer to load than Python takes to start.
_HEAVY = {"ibis", "duckdb", "deltalake", "scipy", "pandas", "plotly", "ninja", "jsonschema", "pyarrow"}
_SHOW = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
import config.cli
config.cli.build()
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_setting_up_loads_no_engine_and_no_statistics() -> None:
    done = subprocess.run([sys.executable, "-c", _SHOW], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "django" in loaded
    assert loaded & _HEAVY == set()


def test_pages_and_jobs_need_no_statistics_until_somebody_asks() -> None:
    lines = _SHOW + "import config.urls, huitou.core.jobs\n"
    lines += "from django.utils.module_loading import autodiscover_modules\nautodiscover_modules('tasks')\n"
    lines += "print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_nothing_of_the_tests_is_loaded_by_pages_commands_and_jobs() -> None:
    """Whoever runs the product has nothing that only tests need."""
    lines = _SHOW + "import config.urls, huitou.core.jobs\n"
    lines += "from django.utils.module_loading import autodiscover_modules\nautodiscover_modules('tasks')\n"
    lines += (
        "print(*[name for name in sys.modules if name == 'pytest' or '.tests' in name and name.startswith('huitou')])"
    )
    done = subprocess.run([sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
