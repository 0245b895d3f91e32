"""The exhaustive product: every state that decides an argv, times every way to start a container.

**The model.** A builder folds instructions into a state of three lists, Entrypoint, Cmd and Shell, and
one flag, whether this stage has set CMD. Each list is missing, empty, or has words; which words does not
matter, so one set of words that names its origin is enough. An instruction takes the state by one of
few arrows, which its *form* selects:

* a list with words (`exec`), a script for the shell in force (`shell`), the empty list (`empty`), nothing
  at all (`bare`), text after the list (`after`, only told apart for CMD: ENTRYPOINT reads by the same
  function), and for ENTRYPOINT the list of one empty word (`reset`), which a runtime reads as none;
* SHELL sets the third list, before both or between them; after both it changes nothing that runs;
* ENTRYPOINT looks at the flag, so the order of the two counts.

The state that a stage starts from is its base's: nothing, Cmd, Entrypoint, both, or Shell. A longer
Dockerfile repeats these arrows: the state after two instructions is one of the states of this list, with
other words. Two CMD, or two ENTRYPOINT, are the second alone, apart from the flag and what a bare one
leaves, and those are among the vectors.

A runtime sees Entrypoint and Cmd, each missing, empty, `[""]` or with words, and is given arguments or
not, an entrypoint or not, each possibly empty, as text or as a list, and `--init`. `RUNS` has the
combinations that select another branch of the merge; the rest repeat one.

So every pair of (instruction form, state it meets) and of (state, override) occurs. That is the claim;
what it leaves out is how text is *read* (escapes, quotes, heredocs, stage names), which the vectors and
the fuzzer are for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from entrysem.verify.protocol import Job, Level, Run

__all__ = ["CMD", "ENTRYPOINT", "INHERITED", "ORDERS", "RUNS", "SHELL", "dockerfiles", "jobs"]

#: Form -> the instruction; None for no such instruction.
CMD: Mapping[str, str | None] = {
    "none": None,
    "exec": 'CMD ["c", "d"]',
    "shell": "CMD c d",
    "empty": "CMD []",
    "bare": "CMD",
    "after": 'CMD ["c"] d',
}
ENTRYPOINT: Mapping[str, str | None] = {
    "none": None,
    "exec": 'ENTRYPOINT ["e", "f"]',
    "shell": "ENTRYPOINT e f",
    "empty": "ENTRYPOINT []",
    "bare": "ENTRYPOINT",
    "reset": 'ENTRYPOINT [""]',
}
#: Where SHELL stands.
SHELL: tuple[str, ...] = ("none", "first", "between")
#: Which of the two comes first; only told apart when both are there.
ORDERS: tuple[str, ...] = ("cmd-entrypoint", "entrypoint-cmd")
#: State -> the instructions of the base stage.
INHERITED: Mapping[str, tuple[str, ...]] = {
    "nothing": (),
    "cmd": ('CMD ["bc"]',),
    "entrypoint": ('ENTRYPOINT ["be"]',),
    "both": ('ENTRYPOINT ["be"]', 'CMD ["bc"]'),
    "shell": ('SHELL ["bs", "-x"]',),
}
#: Override -> the run.
RUNS: Mapping[str, Run] = {
    "plain": Run(),
    "args": Run(("x", "")),
    "no-args": Run(()),
    "entrypoint": Run(None, "g"),
    "entrypoint-args": Run(("x",), "g h"),
    "typed-empty": Run(None, ""),
    "typed-empty-args": Run(("x",), ""),
    "list": Run(None, ("g", "h")),
    "empty-list-args": Run(("x",), ()),
    "init": Run(init=True),
}
_SHELL = 'SHELL ["s", "-y"]'


def dockerfiles() -> Iterator[tuple[str, str]]:
    """Every image of the product: an id that names its place on each axis, and its Dockerfile."""
    for state, cmd, entrypoint, order, shell in product(INHERITED, CMD, ENTRYPOINT, ORDERS, SHELL):
        lines = [CMD[cmd], ENTRYPOINT[entrypoint]]
        if order == "entrypoint-cmd":
            lines.reverse()
        both = None not in lines
        if not both and (order != ORDERS[0] or shell == "between"):
            continue  # the same file as another place of the product
        if shell == "first":
            lines.insert(0, _SHELL)
        elif shell == "between":
            lines.insert(1, _SHELL)
        base = INHERITED[state]
        head = (
            ["FROM scratch AS base-stage", *base, "FROM base-stage"] if base else ["FROM scratch"]
        )
        body = [line for line in lines if line is not None] or ["LABEL a=b"]
        where = f"{state}/{cmd}/{entrypoint}/{order if both else 'alone'}/{shell}"
        yield where, "\n".join([*head, *body]) + "\n"


def jobs(level: Level = "CREATE", *, every: int = 1, lists: bool = True) -> Iterator[Job]:
    """The product as jobs.

    Args:
        level: with CONFIG nothing is run.
        every: only every so manieth image, for a slice of all of it.
        lists: whether the runtime can be given lists (its API); without, those runs are left out.
    """
    runs = tuple(
        [
            run
            for run in RUNS.values()
            if lists or not (run.args == () or isinstance(run.entrypoint, tuple))
        ]
    )
    for number, (name, text) in enumerate(dockerfiles()):
        if number % every == 0:
            yield Job(
                id=f"product/{name}",
                dockerfile=text.encode(),
                level=level,
                runs=() if level == "CONFIG" else runs,
            )
