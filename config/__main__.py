"""`python -m config` is `huitou`, for children that must run this very interpreter."""

from config.cli import main

main()
