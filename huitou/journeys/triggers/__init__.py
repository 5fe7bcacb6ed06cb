"""One module for each kind of trigger, found by listing this folder."""
