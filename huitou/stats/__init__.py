"""Statistics without a database: small frozen inputs in, frozen results out."""
