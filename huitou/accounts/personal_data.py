"""The brand, its staff and what they did: customers stand there by number only."""

IMPERSONAL = {
    "User": "staff, who are never customers",
    "ApiKey": "keys of programs",
    "Brand": "the brand",
    "LoginCounter": "names of staff and addresses of machines",
    "AuditEntry": "who changed what; customers by number, never by name",
}
