"""One call of `check`, from names to results and an exit code.

What is worst in one file decides for all: 3 when something could not be checked, then 1, then 4.
Nothing to check is 3 too, because a check that looked at nothing must not be green.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from entrysem.check.config import Config, Configs
from entrysem.check.files import Search
from entrysem.check.kinds import NO_FILE, OWN
from entrysem.check.model import FileResult, Place, Problem, Rejection, fingerprint
from entrysem.check.one import Task, Wish, code_of
from entrysem.check.run import checked, jobs_for
from entrysem.check.settings import Settings, Typed, settings_of
from entrysem.errors import InputError

__all__ = ["Outcome", "Session"]


class Outcome(NamedTuple):
    """What a call came to.

    Attributes:
        results: of all files, in order; of broken configurations, and of those with idle expectations.
        code: the exit code, before `--no-fail`.
        told: what is said beside the report, a sentence each.
    """

    results: tuple[FileResult, ...]
    code: int
    told: tuple[str, ...]


class Session:
    """The options of a call that are not a file's.

    Args:
        typed: what the command line says about every file.
        wish: what is to be done with each.
        config: the one configuration for all files; None finds each file's own.
        gitignore: whether Git's patterns count.
        force_exclude: whether `exclude` counts for files that are named.
        stdin_name: the name of standard input.
        jobs: how many processes; 0 for as many as are worth it.
    """

    def __init__(
        self,
        typed: Typed,
        wish: Wish,
        *,
        config: Config | None = None,
        gitignore: bool = True,
        force_exclude: bool = False,
        stdin_name: str = "",
        jobs: int = 0,
    ) -> None:
        self._typed = typed
        self._wish = wish
        self._search = Search(gitignore=gitignore, stdin_name=stdin_name)
        self._configs = Configs(self._search.roots.of, config)
        self._force_exclude = force_exclude
        self._jobs = jobs
        self._excluded = 0

    def run(self, names: Sequence[str]) -> Outcome:
        """Checks the files of these names, and mends them when that is wished.

        Raises:
            InputError: `process-died`, as `run.checked`.
        """
        from entrysem.cli.files import read_source  # noqa: PLC0415

        order: list[FileResult | None] = []
        tasks: list[Task] = []
        for sought in self._search.files(names):
            if sought.error is not None:
                order.append(FileResult(sought.place, rejection=Rejection.of(sought.error)))
                continue
            path = self._path_of(sought.place)
            config = self._configs.of(path)
            if config is None:
                continue
            if (self._force_exclude or not sought.named) and config.excludes(path):
                self._excluded += 1
                continue
            settings = settings_of(path, config, self._typed)
            source = None
            if sought.place.path is None:
                try:
                    source = read_source("-")
                except InputError as error:
                    order.append(FileResult(sought.place, rejection=Rejection.of(error)))
                    continue
            tasks.append(Task(sought.place, settings, source))
            order.append(None)
        fresh = checked(tasks, self._wish, jobs_for(len(tasks), self._jobs))
        by_task = iter(tasks)
        results, codes = self._broken(), []
        codes += [3] * len(results)
        for known in order:
            if known is not None:
                results.append(known)
                codes.append(3)
                continue
            result = self._written(next(fresh))
            results.append(result)
            codes.append(code_of(result, next(by_task).settings))
        idle = self._idle(results)
        codes += [code_of(result, settings) for result, settings in idle]
        results += [result for result, _ in idle]
        told = self._told(tasks)
        if not tasks and not (self._force_exclude and self._excluded):
            codes.append(3)
        return Outcome(tuple(results), _worst(codes), told)

    def _path_of(self, place: Place) -> str:
        """What the configuration of a file is looked for by."""
        if place.path is not None:
            return place.path
        return os.path.abspath("Dockerfile" if place.name == "-" else place.name)  # noqa: PTH100

    def _broken(self) -> list[FileResult]:
        """The configurations that are wrong: files below them were not checked."""
        results = []
        for path, (error, files) in self._configs.broken.items():
            number = len(files)
            what = "1 file was" if number == 1 else f"{number} files were"
            told = InputError(
                error.code, f"{error.message}; {what} not checked", where=path, hint=error.hint
            )
            place = self._search.place(os.path.relpath(path))
            results.append(FileResult(place, rejection=Rejection.of(told), is_config=True))
        return results

    def _written(self, result: FileResult) -> FileResult:
        """The result after its fixes were written; or why they were not."""
        path = result.place.path
        if self._wish.dry or result.after is None or result.before is None or path is None:
            return result
        from entrysem.check.fixing import write  # noqa: PLC0415

        try:
            write(path, result.before, result.after)
        except InputError as error:
            return result._replace(rejection=Rejection.of(error), mended=(), after=None)
        return result

    def _idle(self, results: Sequence[FileResult]) -> list[tuple[FileResult, Settings]]:
        """Expectations without a file, of configurations whose whole folder was walked."""
        used = {each for result in results for each in result.used}
        found = []
        for config in self._configs.found.values():
            if not any(_below(config.folder, top) for top in self._search.walked):
                continue
            place = self._search.place(os.path.relpath(config.path))
            problems: list[Problem] = []
            for number, entry in enumerate(config.expect):
                if (config.path, number) in used:
                    continue
                kind = OWN[NO_FILE]
                globs = " or ".join(entry.paths)
                text = f"No file that was checked fits {globs}, of which something is expected."
                mark = fingerprint(kind.id, place.shown, "\0".join(entry.paths), len(problems))
                problems.append(
                    Problem(kind.id, kind.name, kind.severity, text, None, fingerprint=mark)
                )
            if problems:
                settings = Settings(threshold=self._threshold(config))
                found.append((FileResult(place, tuple(problems), is_config=True), settings))
        return found

    def _threshold(self, config: Config) -> str:
        values = {**config.values, **self._typed.values}
        return str(values.get("failure-threshold", "warning"))

    def _told(self, tasks: Sequence[Task]) -> tuple[str, ...]:
        left_out = []
        if self._search.ignored:
            left_out.append(f"{self._search.ignored} ignored by Git")
        if self._excluded:
            left_out.append(f"{self._excluded} excluded by the configuration")
        if tasks or self._configs.broken:
            return ()
        if left_out:
            return (f"nothing to check: {', '.join(left_out)}",)
        return ("nothing to check: no file is named like a Dockerfile here",)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _worst(codes: Sequence[int]) -> int:
    return next((code for code in (3, 1, 4) if code in codes), 0)
