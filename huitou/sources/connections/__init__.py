"""Connections: outside systems that are pulled on a schedule, each by its connector, each a feed."""
