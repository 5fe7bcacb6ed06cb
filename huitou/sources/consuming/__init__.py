"""From the inbox to facts: a batch in one transaction, handed to a module per subject, then committed to the lake."""
