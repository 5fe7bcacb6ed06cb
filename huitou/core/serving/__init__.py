"""Processes that stay: the web server, the worker, and `up`, which watches over both."""
