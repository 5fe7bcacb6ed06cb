"""The `huitou` command: one Typer application put together from the apps' `cli.py`."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Huitou 回头")


def main() -> None:
    """Entry point of the `huitou` script."""
    app()
