r"""Hypothesis strategies: random Dockerfiles, base images and runs, for authors of builders and runtimes.

    from hypothesis import given
    from entrysem.hypothesis import cases

    @given(cases())
    def test_my_builder(case):
        image = case.image()                       # entrysem's answer, for any profile
        assert my_build(case.dockerfile, ...) == image.config

(extra: `entrysem[hypothesis]`). What comes out builds anywhere: images are `scratch`, stages of the
same file, and the bases that come with it, so nothing is pulled; nothing is executed by a build (no
RUN) and no file of a context is needed.

A Dockerfile is drawn from the places where builders are known to differ. Each kind of thing is a
*feature* that can be left out:

    dockerfiles(features=FEATURES - {"heredoc", "onbuild"})

Every choice lists its plainest alternative first, and decoration (case, blanks, continuation lines,
comments) is drawn apart from content. So a failing example shrinks to a file that a person would write:
`FROM scratch`, the one instruction that matters, one-letter words.

About one file in five is rejected by the reference builder; `rejected=False` leaves those out. It goes by
the reference alone: another profile may still reject one.
"""

from __future__ import annotations

from entrysem.hypothesis.cases import Case, Runtime, bases, cases, runs
from entrysem.hypothesis.files import dockerfiles, fragments
from entrysem.hypothesis.forms import (
    FEATURES,
    Feature,
    exec_forms,
    instructions,
    near_exec_forms,
    shell_forms,
    words,
)

__all__ = [
    "FEATURES",
    "Case",
    "Feature",
    "Runtime",
    "bases",
    "cases",
    "dockerfiles",
    "exec_forms",
    "fragments",
    "instructions",
    "near_exec_forms",
    "runs",
    "shell_forms",
    "words",
]
