"""The `huitou` command: one Typer application put together from the apps' `cli.py`.

An app's `cli.py` declares `COMMANDS`, a dict from name to a Typer application (a group) or to a function (a command);
without it, its `app` becomes the group named like the app. Two apps may give groups of the same name: their
commands are joined. These modules are imported for `--help` as well, so their heavy imports stand inside functions,
and every command is wrapped in `huitou.core.boot.booted`.
"""

from __future__ import annotations

import copy
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

import huitou
from huitou.core.errors import DomainError

Command = typer.Typer | Callable[..., Any]


def _declared() -> list[tuple[str, str, Command]]:
    """Every (module, name, command) of the apps and of this package, by listing the folders."""
    files = sorted(Path(huitou.__path__[0]).glob("*/cli.py"))
    modules = ["config.commands", *(f"huitou.{file.parent.name}.cli" for file in files)]
    found: list[tuple[str, str, Command]] = []
    for module_name in modules:
        module = importlib.import_module(module_name)
        commands: dict[str, Command] = getattr(module, "COMMANDS", {})
        if not commands and hasattr(module, "app"):
            commands = {module_name.split(".")[-2]: module.app}
        found += [(module_name, name, command) for name, command in commands.items()]
    return found


def _empty_copy(group: typer.Typer) -> typer.Typer:
    """The group's settings without its commands."""
    twin = copy.copy(group)
    twin.registered_commands, twin.registered_groups = [], []
    return twin


def build() -> typer.Typer:
    """The whole command line. Raises ValueError when two apps claim one name."""
    root = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        help="Huitou 回头: who will come back, when and for what, and what made them.",
    )
    groups: dict[str, typer.Typer] = {}
    taken: dict[str, str] = {}
    for module, name, command in _declared():
        if isinstance(command, typer.Typer):
            if name in taken:
                raise ValueError(f"{module} and {taken[name]} both declare the command {name}")
            # A copy: joining must not change what the app's module declares.
            group = groups.setdefault(name, _empty_copy(command))
            group.registered_commands += command.registered_commands
            group.registered_groups += command.registered_groups
        elif name in taken or name in groups:
            raise ValueError(f"{module} declares the command {name}, which exists already")
        else:
            taken[name] = module
            root.command(name)(command)
    for name in sorted(groups):
        root.add_typer(groups[name], name=name, no_args_is_help=True)
    return root


def _tell(error: DomainError) -> None:
    """One line for people, one object for programs."""
    from huitou.core.terminal import print_json

    if "--json" in sys.argv:
        print_json({"error": {"code": error.code, "message": error.for_terminal}})
    else:
        sys.stderr.write(f"{error.for_terminal}\n")


def main() -> None:
    """Entry point of the `huitou` script. Exit codes: 0 done, 1 refused with a reason, 2 wrong usage, 130 Ctrl-C."""
    # A pipe or file gets UTF-8 whatever the locale says: the output is Chinese.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    from typer.main import get_command

    from config.help import translate_help
    from huitou.core.boot import choose_language

    command = get_command(build())
    translate_help(command, choose_language())
    try:
        command()
    except DomainError as error:
        _tell(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        refusal = _as_refusal(error)
        if refusal is None:
            raise
        _tell(refusal)
        sys.exit(1)


def _as_refusal(error: Exception) -> DomainError | None:
    """The database going away under a command is an anticipated error, whatever layer noticed it."""
    import psycopg
    from django.db import OperationalError

    if isinstance(error, OperationalError | psycopg.OperationalError):
        from huitou.core.boot import DatabaseLostError

        return DatabaseLostError(str(error).strip().splitlines()[0])
    return None
