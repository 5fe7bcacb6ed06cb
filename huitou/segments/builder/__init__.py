"""The builder: a condition as a form of menus, and back."""
