"""What is bought together, what follows what, and what goes into the next basket: pure functions over codes."""
