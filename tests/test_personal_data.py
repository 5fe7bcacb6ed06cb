"""Every model with texts says whether it holds personal data, and what holds some is erased with its app."""

from __future__ import annotations

from django.apps import apps
from django.db import models

from huitou.customers.personal import personal_data_modules

TEXTS = (models.CharField, models.TextField, models.JSONField, models.BinaryField)


def test_every_model_with_texts_is_declared_personal_or_not() -> None:
    """A new table cannot slip past erasing: its app's personal_data.py names it, with the reason where it is not."""
    declared: dict[str, set[str]] = {}
    for module in personal_data_modules():
        personal, impersonal = set(getattr(module, "PERSONAL", ())), set(getattr(module, "IMPERSONAL", {}))
        assert not personal & impersonal, module.__name__
        assert all(getattr(module, "IMPERSONAL", {}).values()), "each with a reason"
        assert not personal or hasattr(module, "erase"), f"{module.__name__} erases nothing"
        declared[module.__name__.removesuffix(".personal_data")] = personal | impersonal
    ours = [m for m in apps.get_models() if m.__module__.startswith("huitou.")]
    assert len(ours) > 20
    for model in ours:
        if any(isinstance(field, TEXTS) for field in model._meta.concrete_fields):
            app = apps.get_app_config(model._meta.app_label).name
            assert model.__name__ in declared.get(app, set()), f"name {model.__name__} in {app}/personal_data.py"
    for app, names in declared.items():
        known = {m.__name__ for m in ours if m.__module__.startswith(f"{app}.")}
        assert names <= known, f"{app} declares models that are gone"
