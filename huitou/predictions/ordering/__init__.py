"""Who orders again, how often, when, and what it is worth."""
