"""One module for each kind of step, found by listing this folder."""
