from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "huitou.accounts"
    label = "accounts"
    verbose_name = _("Platform")
    default = True


class BackOfficeConfig(admin_apps.AdminConfig):
    """Django's admin with our site: INSTALLED_APPS names it in the place of django.contrib.admin."""

    default_site = "huitou.accounts.back_office.BackOffice"
    default = False
