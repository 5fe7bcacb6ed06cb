from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "huitou.orders"
    label = "orders"
