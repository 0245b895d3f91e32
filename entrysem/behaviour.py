"""What builders and runtimes can differ in, apart from how they read text (`dockerfile.grammar`).

Each field is one question; the default is the reference's answer (newest BuildKit, newest Docker
Engine). `entrysem.profiles` declares who answers otherwise, from which version on and on what
evidence. `build` and `merge` ask the question and know no engine's name.
"""

from __future__ import annotations

from typing import Literal

from entrysem.answers import Answers
from entrysem.dockerfile.grammar import REFERENCE, Grammar

__all__ = ["PLATFORM_ARGS", "VERSION_ARGS", "BuilderBehaviour", "RuntimeBehaviour"]

PLATFORM_ARGS = frozenset(
    side + part for side in ("BUILD", "TARGET") for part in ("PLATFORM", "OS", "ARCH", "VARIANT")
)
VERSION_ARGS = frozenset({"BUILDOSVERSION", "TARGETOSVERSION"})


class BuilderBehaviour(Answers):
    """How a builder turns stages into an image config.

    Attributes:
        grammar: how it reads the text.
        bare: CMD or ENTRYPOINT without arguments: an `empty-script` for the shell, or `no-script`
            (CMD is the shell alone, ENTRYPOINT is cleared).
        protects: which CMD keeps a later ENTRYPOINT of its stage from emptying Cmd: `any`, or only
            one `with-arguments`.
        reset: when ENTRYPOINT empties an inherited Cmd: `at-once`, or `at-stage-end`, looking only
            for instructions spelled in capitals.
        shell: the prefix of shell form: the SHELL `in-force`, or always the `default`.
        shell_storage: `copied` for each shell form, or `shared`, so that a later shell form
            overwrites the script of an earlier one (for SHELL of 3, 5, 6 or 7 words).
        keeps: what the image format stores of Shell and OnBuild: `all`, or `neither`.
        onbuild: whether a base's triggers run: `runs`, or `never`.
        empty_cmd: how `CMD []` is stored: `absent`, or as an `empty` list.
        unset_lists: how Entrypoint and Cmd without words are stored: `absent`, `empty`, or
            only an Entrypoint (`empty-entrypoint`).
        stage_lookup: FROM NAME finds a stage if NAME equals a `lower-cased` name, in `any-case`, or
            in `exact` spelling.
        stage_by_variable: whether a FROM word that holds a variable can name a stage: `always`,
            `never`, or only when the value comes from a `build-arg`.
        stages_after_target: stages after the target are `looked-at` (and can be rejected), or `cut`.
        unneeded_stages: stages before the target that it does not need are `skipped`, or `built`, so that
            what is wrong in them is found.
        stage_by_index: whether FROM 0 is the first stage.
        duplicate_stage: for the same name twice: the `last` counts, the `first`, or it is
            `rejected`.
        scratch_stage: whether a stage named scratch hides the empty image.
        scratch_tag: scratch with a tag is an `image` like any other, or `rejected`.
        target_case: --target finds a stage in `any-case` or in `exact` spelling.
        target_by_index: whether --target 0 is the first stage: `never`, only if it is `unnamed`, or
            `always`.
        predefined_args: the names that FROM knows without an ARG, such as TARGETOS.
        predefined_default: what the default of `ARG TARGETOS=x` does to the predefined value: it
            `replaces` it, or is `ignored`.
        copy_from_later: COPY --from a stage that comes later is `rejected`, or `allowed`.
        copy_from_variable: a COPY --from that holds a variable is `rejected`, or taken as a `name`.
        run_flags: RUN with flags is `accepted`, or `rejected` in every stage up to the target, also in
            one that the target does not need.
        copy_number: a number in COPY --from without a stage: `rejected` when there is no stage of that
            number, `earlier` when it must be an earlier stage's in every stage up to the target, or the
            name of an `image`. (Asked where circles are ignored.)
        copy_cycles: whether COPY --from can close a circle of stages: `rejected`, or `ignored`
            because only earlier stages are stages.
        copy_heredocs: COPY and ADD with a heredoc as a source are `accepted`, or `rejected` in every
            stage up to the target.
        bare_scratch: FROM scratch and nothing else is `accepted`, or `rejected`.
        frontends: whether `# syntax=` hands the file to another frontend: `follows`, or `ignores` it.
        windows_shell_form: on Windows, shell form is a `list`, or one escaped command `line`.
    """

    grammar: Grammar = REFERENCE
    bare: Literal["empty-script", "no-script"] = "empty-script"
    protects: Literal["any", "with-arguments"] = "any"
    reset: Literal["at-once", "at-stage-end"] = "at-once"
    shell: Literal["in-force", "default"] = "in-force"
    shell_storage: Literal["copied", "shared"] = "copied"
    keeps: Literal["all", "neither"] = "all"
    onbuild: Literal["runs", "never"] = "runs"
    empty_cmd: Literal["absent", "empty"] = "absent"
    unset_lists: Literal["absent", "empty", "empty-entrypoint"] = "absent"
    stage_lookup: Literal["lower-cased", "any-case", "exact"] = "lower-cased"
    stage_by_variable: Literal["always", "never", "build-arg"] = "always"
    stages_after_target: Literal["looked-at", "cut"] = "looked-at"
    unneeded_stages: Literal["skipped", "built"] = "skipped"
    stage_by_index: bool = False
    duplicate_stage: Literal["last", "first", "rejected"] = "last"
    scratch_stage: bool = True
    scratch_tag: Literal["image", "rejected"] = "image"
    target_case: Literal["any-case", "exact"] = "any-case"
    target_by_index: Literal["never", "unnamed", "always"] = "never"
    predefined_args: frozenset[str] = PLATFORM_ARGS | VERSION_ARGS | {"TARGETSTAGE"}
    predefined_default: Literal["replaces", "ignored"] = "replaces"
    copy_from_later: Literal["rejected", "allowed"] = "rejected"
    copy_from_variable: Literal["rejected", "name"] = "rejected"
    run_flags: Literal["accepted", "rejected"] = "accepted"
    copy_number: Literal["rejected", "earlier", "image"] = "rejected"
    copy_cycles: Literal["rejected", "ignored"] = "rejected"
    copy_heredocs: Literal["accepted", "rejected"] = "accepted"
    bare_scratch: Literal["accepted", "rejected"] = "accepted"
    frontends: Literal["follows", "ignores"] = "follows"
    windows_shell_form: Literal["list", "line"] = "list"


class RuntimeBehaviour(Answers):
    """How a runtime turns an image config and what was typed into an argv.

    Attributes:
        typed_entrypoint: how `--entrypoint TEXT` is read: as one `word`, as `json` falling back to
            one word, as `json-stream`, which falls back to what was read before the error and the
            text, or as `shellwords`.
        typed_empty: what `--entrypoint ""` gives: the list `[""]`, or the empty list.
        empty_entrypoint: an empty list as entrypoint `clears` the image's, or is as `absent`.
        empty_word: where an entrypoint of exactly one empty string counts as none: `anywhere`, only
            in the `image`, or `nowhere`.
        nothing_to_run: argv without words is an `error`, or becomes one `empty-word`.
        no_command: the message of that error.
        init_prefix: what --init puts before argv; empty when the runtime has no such option.
        expands: whether `$(NAME)` in entrypoint and args is replaced.
    """

    typed_entrypoint: Literal["word", "json", "json-stream", "shellwords"] = "word"
    typed_empty: Literal["empty-word", "empty-list"] = "empty-word"
    empty_entrypoint: Literal["clears", "absent"] = "clears"
    empty_word: Literal["anywhere", "image", "nowhere"] = "anywhere"
    nothing_to_run: Literal["error", "empty-word"] = "error"
    no_command: str = "no command specified"
    init_prefix: tuple[str, ...] = ("/sbin/docker-init", "--")
    expands: bool = False
