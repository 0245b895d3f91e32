"""`entrysem check`: findings and expectations over many Dockerfiles, for people and for CI.

`files` finds what to check, `config` what is wished for it, `ignores` what its author has already
answered; `one` checks one file, `expectations` holds its argv against what is expected, `fixing` mends
it; `run` does it for thousands of files in as many processes as wanted, and `report` writes the
results, a module a format.
"""

from __future__ import annotations
