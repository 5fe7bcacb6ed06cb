"""Where things lie in the data directory (`HUITOU_HOME`)."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The data directory of one deployment. Creating it is left to whoever writes first."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        return cls(Path(os.environ.get("HUITOU_HOME", ".huitou")).expanduser().resolve())

    @property
    def lake_url(self) -> str:
        """Where the facts lie: `HUITOU_LAKE_URL`, or a folder beside the database."""
        return os.environ.get("HUITOU_LAKE_URL") or str(self.root / "lake")

    @property
    def engine(self) -> str:
        """What computes: `HUITOU_ENGINE`, the engine inside the process unless it names a Spark master."""
        return os.environ.get("HUITOU_ENGINE", "").strip() or "duckdb"

    @property
    def spark_options(self) -> str:
        """Options for the session on Spark: `HUITOU_SPARK_OPTIONS`."""
        return os.environ.get("HUITOU_SPARK_OPTIONS", "")

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def staging(self) -> Path:
        """Prepared batches that are not yet in the lake. Deleted only after their batch is done."""
        return self.root / "staging"

    @property
    def uploads(self) -> Path:
        """Files as they were given to us."""
        return self.root / "uploads"

    @property
    def rejects(self) -> Path:
        """Rows that could not be taken, with reasons."""
        return self.root / "rejects"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def secret_key(self) -> str:
        """The deployment's signing key, made once and readable by its owner only."""
        path = self.root / "secret-key"
        if not path.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"secret-key.{secrets.token_hex(4)}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(48))
            try:
                # Linking fails if another process was first: then its key is the one.
                os.link(fresh, path)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return path.read_text()
