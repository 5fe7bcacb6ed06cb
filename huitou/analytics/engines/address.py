"""Where computing happens: inside the process, or on a Spark master."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Masters that are tried in the tests; what else Spark knows is not claimed.
_SPARK = re.compile(r"^(spark://.+|local|local\[(\d+|\*)\]|local-cluster\[\d+,\d+,\d+\])$")


class EngineError(Exception):
    """An engine that cannot be had. `code` is stable, `values` say more; how to mend it is for the doors to say."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(f"{code}: {values}" if values else code)
        self.code = code
        self.values = values


@dataclass(frozen=True)
class EngineAddress:
    """`duckdb`, or the address of a Spark master with options for its session.

    Raises
    ------
    EngineError
        `unknown_engine`: the address is neither; `malformed_option`: an option is no name=value pair.
    """

    master: str = "duckdb"
    options: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.master != "duckdb" and not _SPARK.match(self.master):
            raise EngineError("unknown_engine", address=self.master)

    @classmethod
    def parse(cls, master: str, options: str = "") -> EngineAddress:
        """From the texts of the settings; options are name=value pairs separated by spaces."""
        pairs = []
        for text in options.split():
            name, equals, value = text.partition("=")
            if not equals or not name:
                raise EngineError("malformed_option", option=text)
            pairs.append((name, value))
        return cls(master.replace(" ", "") or "duckdb", tuple(pairs))

    @property
    def is_spark(self) -> bool:
        """Whether computing happens on Spark."""
        return self.master != "duckdb"

    @property
    def hosts(self) -> tuple[tuple[str, int], ...]:
        """Host and port of every master of a cluster; none for a master inside this machine."""
        if not self.master.startswith("spark://"):
            return ()
        pairs = (text.rpartition(":") for text in self.master.removeprefix("spark://").split(","))
        return tuple((host, int(port) if port.isdigit() else 7077) for host, _colon, port in pairs)

    def settings(self) -> Mapping[str, str]:
        """The options by name."""
        return dict(self.options)
