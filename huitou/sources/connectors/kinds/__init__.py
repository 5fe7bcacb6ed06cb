"""Every kind of outside system, found by listing this folder; see connectors.connector.Connector."""

from __future__ import annotations

from huitou.analytics.registry import Registry
from huitou.sources.connectors.connector import Connector

CONNECTORS: Registry[Connector] = Registry("huitou.sources.connectors.kinds", "CONNECTOR", Connector)


def find_connector(kind: str) -> Connector | None:
    """The connector of that kind."""
    return next((connector for connector in CONNECTORS if connector.kind == kind), None)
