"""The embedded PostgreSQL: one server per data directory, shared by every command that holds a lease.

`acquire` is all that the rest of the product needs. Behind it:

- `lease.py`: a client's share in the running server, kept by a file lock that the kernel drops when it dies;
- `supervisor.py`: the process that starts the server, restarts it, and stops it when no lease is left;
- `cluster.py`: creating the database files, and the server's command line;
- `place.py`: where the files lie and which account runs the server;
- `death.py`: children that do not outlive their parent.
"""

from huitou.core.postgres.lease import EmbeddedPostgresError, Lease, acquire

__all__ = ["EmbeddedPostgresError", "Lease", "acquire"]
