"""Kinds of leaves: one file each, found by listing this folder."""
