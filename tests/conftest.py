"""Hypothesis profiles. No health check is switched off in either."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadline: a busy machine is no defect of the parser.
settings.register_profile("ci", derandomize=True, max_examples=200, deadline=None, print_blob=True)
settings.register_profile("dev", max_examples=100, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
