"""The engine: lets customers in, moves on who is due, and ends what reached its goal, set-wise from its own tables."""
