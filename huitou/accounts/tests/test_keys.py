"""Keys: shown once, kept as a hash, open until revoked, and each change is in the audit log."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from huitou.accounts.keys import KeyInvalidError, KeyUnknownError, create_key, find_key, revoke_key
from huitou.accounts.models import ApiKey, AuditEntry
from huitou.core.clock import FixedClock

CLOCK = FixedClock(datetime(2024, 5, 1, tzinfo=UTC))


@pytest.mark.django_db
def test_a_key_is_found_by_its_secret_alone_until_it_is_revoked() -> None:
    made = create_key(name="shop", kind="write", source="mini", clock=CLOCK)
    assert find_key(made.secret) == made.key
    assert find_key(made.secret[:-1] + ("a" if made.secret[-1] != "a" else "b")) is None
    assert find_key(made.key.prefix) is None
    revoke_key(prefix=made.key.prefix, clock=CLOCK)
    revoke_key(prefix=made.key.prefix, clock=CLOCK)
    assert find_key(made.secret) is None
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == ["key.created", "key.revoked"]


@pytest.mark.django_db
def test_the_secret_is_stored_nowhere() -> None:
    made = create_key(name="shop", kind="api", scopes=["metrics.view"], clock=CLOCK)
    stored = ApiKey.objects.values().get()
    told = AuditEntry.objects.values().get()
    assert made.secret not in f"{stored} {told}"
    assert made.secret.encode() not in bytes(stored["secret_hash"])


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "write"},
        {"kind": "write", "source": "mini", "scopes": ["metrics.view"]},
        {"kind": "api"},
        {"kind": "api", "scopes": ["metrics.view"], "source": "mini"},
        {"kind": "api", "scopes": ["everything"]},
        {"kind": "write", "source": "mini", "name": " "},
    ],
)
@pytest.mark.django_db
def test_a_key_that_fits_no_kind_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(KeyInvalidError):
        create_key(**{"name": "x", "clock": CLOCK, **given})  # type: ignore[arg-type]
    assert not ApiKey.objects.exists()


@pytest.mark.django_db
def test_revoking_an_unknown_key_says_so() -> None:
    with pytest.raises(KeyUnknownError):
        revoke_key(prefix="hw_nothing", clock=CLOCK)
