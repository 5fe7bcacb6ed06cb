"""The tracking plan: which events and properties are meant to come, and what comes otherwise."""
