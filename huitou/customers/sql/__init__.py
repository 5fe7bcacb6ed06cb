"""Set-wise SQL of the people register: what the ORM cannot say."""
