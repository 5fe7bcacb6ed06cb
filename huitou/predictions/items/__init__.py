"""Who buys which product or category again, when, and how much."""
