from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "huitou.accounts"
    label = "accounts"
