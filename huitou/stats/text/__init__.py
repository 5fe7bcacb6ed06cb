"""What a short Chinese text says: praise or blame with a probability, intents and keywords. NumPy and SciPy only."""
