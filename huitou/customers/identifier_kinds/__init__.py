"""Kinds of identifiers: one file each."""
