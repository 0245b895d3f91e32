"""`python -m entrysem` is the command line."""

from __future__ import annotations

from entrysem.cli import main

main()
