"""What to offer whom: rules between items, and ranked items for each customer."""
