"""The programming door: what every operation of `/api/v1` shares. The operations stand in the apps' `api.py`."""
