"""How Django asks what a user may do: by role, never by rows of permissions."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from huitou.accounts.models import User
from huitou.accounts.roles import permissions_of


class RoleBackend(ModelBackend):
    """Passwords as Django keeps them; `user.has_perm("data.write")` and `perms.data.write` answer from the role."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return isinstance(user_obj, User) and user_obj.is_active and perm in permissions_of(user_obj.role)

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set(permissions_of(user_obj.role)) if isinstance(user_obj, User) and user_obj.is_active else set()
