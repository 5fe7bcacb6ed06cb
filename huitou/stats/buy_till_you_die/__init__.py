"""Models of who buys until they stop: fitted from counts of like histories, scored once for each of them."""
