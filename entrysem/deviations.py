"""The recorded deviations: one entry a difference, with range, example, source and status.

To add one, append to `DEVIATIONS`, add a vector that shows it, and run `make spec`, which writes
`spec/deviations.json` and the tables of the docs from this list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["DEVIATIONS", "Deviation"]

Status = Literal["observed", "source-read"]


@dataclass(frozen=True, slots=True)
class Deviation:
    """One difference from the reference.

    Attributes:
        id: stable, kebab-case.
        side: `builder` or `runtime`.
        engines: engine name -> version range (`versions.in_range`).
        rule: id of the rule that it departs from.
        what: one sentence, what the engine does.
        example: the smallest Dockerfile, or the run, that shows it.
        source: an engine and version it was observed on, or a pinned file.
        status: `observed` on a real engine, or only `source-read`.
        grammar, sets: fields of `Grammar`, and of the engine's behaviour, that it replaces.
    """

    id: str
    side: Literal["builder", "runtime"]
    engines: Mapping[str, str]
    rule: str
    what: str
    example: str
    source: str
    status: Status
    grammar: Mapping[str, Any] = field(default_factory=dict)
    sets: Mapping[str, Any] = field(default_factory=dict)


_OLD_MODIFIERS = frozenset({":-", ":+", ":?"})
_PLAIN_MODIFIERS = frozenset({":-", ":+", ":?", "-", "+", "?"})
_BUILDAH = {"buildah": "", "buildah-docker": ""}

DEVIATIONS: tuple[Deviation, ...] = (
    # --- reading: BuildKit's frontend through the versions, and the parsers vendored from it --------
    Deviation(
        "text-after-array-dropped",
        "builder",
        {"buildkit": "<0.15", "classic": "<27.1", **_BUILDAH},
        "FORM-11",
        "text after the closing ] is dropped and the form stays exec",
        'FROM scratch\nCMD ["a"] x\n',
        "observed on Docker Engine 20.10.24 and 26.1.5 (both builders) and Buildah 1.28.2; changed "
        "by moby/buildkit 80518e257",
        "observed",
        grammar={"text_after_array": "dropped"},
    ),
    Deviation(
        "no-check-directive",
        "builder",
        {"buildkit": "<0.14", "classic": "<27.0", **_BUILDAH},
        "FORM-03",
        "# check= is an ordinary comment and ends the directives",
        "# check=skip=all\n# escape=`\nFROM scratch\nCMD a `\n b\n",
        "observed on Docker Engine 20.10.24 (both builders); added by moby/buildkit e3c0a07b0",
        "observed",
        grammar={"directives": frozenset({"syntax", "escape"})},
    ),
    Deviation(
        "no-heredocs",
        "builder",
        {"buildkit": "<0.10", "classic": "<23.0", "buildah": "<1.33", "buildah-docker": "<1.33"},
        "FORM-13",
        "RUN, COPY and ADD read no heredoc; the lines of its body are instructions",
        "FROM scratch\nCOPY <<EOF /x\nCMD a\nEOF\n",
        "observed on Docker Engine 20.10.24 (both builders) and Buildah 1.28.2; stabilised by "
        "moby/buildkit e3fd4a645",
        "observed",
        grammar={"heredocs": False},
    ),
    Deviation(
        "no-blank-in-heredoc",
        "builder",
        {"buildkit": "<0.22", "classic": "", **_BUILDAH},
        "FORM-13",
        "a blank between << and the word makes it no heredoc",
        "FROM scratch\nRUN cat << EOF\nEOF\n",
        "moby/buildkit 0b77373ab",
        "source-read",
        grammar={"heredoc_blank": False},
    ),
    Deviation(
        "heredoc-prefix-kept",
        "builder",
        {"buildkit": "<0.15", "classic": "<27.1", **_BUILDAH},
        "FORM-13",
        "a word such as <<EOF${X:-y} opens a heredoc",
        "FROM scratch\nRUN cat <<EOF${X:-y}\nEOF${X:-y}\n",
        "observed on the parser of moby/buildkit v0.12.5; changed by moby/buildkit 4c935cf9a",
        "source-read",
        grammar={"heredoc_prefix": "kept"},
    ),
    Deviation(
        "flag-escape-backslash",
        "builder",
        {"buildkit": "<0.21", "classic": "", **_BUILDAH},
        "FORM-07",
        "inside flags a backslash escapes, whatever the escape directive says",
        "# escape=`\nFROM scratch\nRUN --mount=type=bind,target=C:\\x true\n",
        "moby/buildkit 877d8a771",
        "source-read",
        grammar={"flag_escape": "backslash"},
    ),
    Deviation(
        "no-pattern-modifiers",
        "builder",
        {"buildkit": "<0.13", "classic": "<26.0"},
        "BUILD-10",
        "${X#p}, ${X%p} and ${X/p/r} are rejected",
        "ARG A=xxscratch\nFROM ${A#xx}\nCMD a\n",
        "observed on Docker Engine 20.10.24 (both builders); added by moby/buildkit 4f459a4cd",
        "observed",
        grammar={"modifiers": _PLAIN_MODIFIERS},
    ),
    Deviation(
        "colon-modifiers-only",
        "builder",
        {"buildkit": "<0.12", "classic": "<25.0"},
        "BUILD-10",
        "${X-w}, ${X+w} and ${X?w} are rejected: only the forms with a colon exist",
        "FROM ${X-scratch}\nCMD a\n",
        "observed on Docker Engine 20.10.24 (both builders)",
        "observed",
        grammar={"modifiers": _OLD_MODIFIERS},
    ),
    # --- the classic builder ----------------------------------------------------------------------
    Deviation(
        "bare-instruction-no-script",
        "builder",
        {"classic": "", **_BUILDAH},
        "FORM-15",
        "a bare CMD is the shell alone and a bare ENTRYPOINT clears Entrypoint",
        "FROM scratch\nCMD\n",
        "observed on Docker Engine 20.10.24 (classic) and Buildah 1.28.2",
        "observed",
        sets={"bare": "no-script"},
    ),
    Deviation(
        "cmd-protects-with-arguments",
        "builder",
        {"classic": "", **_BUILDAH},
        "BUILD-02",
        "a CMD without words does not keep a later ENTRYPOINT from emptying Cmd",
        'FROM scratch AS a\nCMD ["x"]\nFROM a\nCMD []\nENTRYPOINT ["e"]\n',
        "observed on Docker Engine 20.10.24, 26.1.5 and 28.5.2 (classic) and Buildah 1.28.2, 1.39.3",
        "observed",
        sets={"protects": "with-arguments"},
    ),
    Deviation(
        "empty-cmd-stored",
        "builder",
        {"classic": ""},
        "BUILD-14",
        "CMD [] is stored as an empty list",
        "FROM scratch\nCMD []\n",
        "observed on Docker Engine 20.10.24 (classic)",
        "observed",
        sets={"empty_cmd": "empty"},
    ),
    Deviation(
        "classic-stages",
        "builder",
        {"classic": ""},
        "BUILD-09",
        "stage names are looked up without case, must be unique, and copy only from earlier stages; "
        "scratch:latest is rejected",
        'FROM scratch AS Foo\nCMD ["a"]\nFROM Foo\n',
        "observed on Docker Engine 20.10.24 (classic)",
        "observed",
        sets={
            "stage_lookup": "any-case",
            "duplicate_stage": "rejected",
            "stages_after_target": "cut",
            "scratch_tag": "rejected",
            "copy_cycles": "ignored",
            "windows_shell_form": "line",
        },
    ),
    Deviation(
        "classic-copies-no-heredoc",
        "builder",
        {"classic": ">=23.0"},
        "FORM-13",
        "COPY and ADD read a heredoc and then refuse it",
        'FROM scratch\nCOPY <<EOF /x\nCMD ["no"]\nEOF\n',
        "observed on Docker Engine 26.1.5 and 28.5.2 (classic)",
        "observed",
        sets={"copy_heredocs": "rejected"},
    ),
    Deviation(
        "classic-rejects-bare-scratch",
        "builder",
        {"classic": ""},
        "BUILD-08",
        "FROM scratch with no instruction after it is rejected",
        "FROM scratch\n",
        "observed on Docker Engine 20.10.24, 26.1.5 and 28.5.2 (classic)",
        "observed",
        sets={"bare_scratch": "rejected"},
    ),
    # --- Buildah, and Podman's build, through imagebuilder ------------------------------------------
    Deviation(
        "shell-ignored",
        "builder",
        _BUILDAH,
        "BUILD-04",
        "SHELL has no effect on CMD and ENTRYPOINT: shell form is always /bin/sh -c",
        'FROM scratch\nSHELL ["z"]\nCMD x y\n',
        "observed on Buildah 1.28.2; openshift/imagebuilder dispatchers.go",
        "observed",
        sets={"shell": "default"},
    ),
    Deviation(
        "oci-format-drops",
        "builder",
        {"buildah": ""},
        "BUILD-12",
        "the OCI format, Buildah's default, stores no SHELL and no ONBUILD, so triggers never run",
        'FROM scratch AS a\nONBUILD CMD ["t"]\nCMD ["own"]\nFROM a\n',
        "observed on Buildah 1.28.2",
        "observed",
        sets={"keeps": "neither", "onbuild": "never"},
    ),
    Deviation(
        "docker-format-empty-lists",
        "builder",
        {"buildah-docker": "<1.39"},
        "BUILD-14",
        "Entrypoint and Cmd without words are stored as empty lists",
        "FROM scratch\nLABEL a=b\n",
        "observed on Buildah 1.19.6 and 1.28.2 with --format docker",
        "observed",
        sets={"unset_lists": "empty"},
    ),
    Deviation(
        "docker-format-empty-lists-newer",
        "builder",
        {"buildah-docker": ">=1.39"},
        "BUILD-14",
        "an Entrypoint without words is stored as an empty list; Cmd is null, but empty for CMD []",
        'FROM scratch\nENTRYPOINT ["e"]\n',
        "observed on Buildah 1.39.3 and 1.43.2 with --format docker",
        "observed",
        sets={"unset_lists": "empty-entrypoint", "empty_cmd": "empty"},
    ),
    Deviation(
        "imagebuilder-reading",
        "builder",
        _BUILDAH,
        "FORM-05",
        "a doubled escape character at a line's end continues it; the escape directive takes its "
        "first character and no other directive is known",
        "FROM scratch\nCMD echo a\\\\\nENTRYPOINT x\n",
        "observed on Buildah 1.28.2",
        "observed",
        grammar={
            "doubled_escape": "continues",
            "directives": frozenset({"escape"}),
            "escape_value": "first-character",
        },
    ),
    Deviation(
        "long-line-ends-file",
        "builder",
        {"buildah": "<1.39", "buildah-docker": "<1.39"},
        "FORM-02",
        "a line longer than 65,535 bytes, and everything after it, is silently dropped",
        "FROM scratch\nCMD (65,532 times a)\n",
        "observed on Buildah 1.19.6 and 1.28.2",
        "observed",
        grammar={"long_line": "ends-file"},
    ),
    Deviation(
        "longer-lines",
        "builder",
        {"buildah": ">=1.39", "buildah-docker": ">=1.39"},
        "FORM-02",
        "lines may be 2 MiB long",
        "FROM scratch\nCMD (65,532 times a)\n",
        "observed on Buildah 1.39.3 and 1.43.2 (a line of 65,536 bytes); openshift/imagebuilder "
        "dockerfile/parser/parser.go (the limit)",
        "observed",
        grammar={"max_line": 2 * 1024 * 1024 - 1},
    ),
    Deviation(
        "imagebuilder-checks",
        "builder",
        _BUILDAH,
        "FORM-17",
        "an instruction is checked when its stage is reached; stray flags on CMD are dropped; stage "
        "names are free",
        "FROM scratch\nCMD --x foo\n",
        "observed on Buildah 1.28.2",
        "observed",
        grammar={
            "checks": "reached-stages",
            "stray_flags": "dropped",
            "stage_name": "free",
        },
    ),
    Deviation(
        "imagebuilder-before-from",
        "builder",
        {"buildah": ">=1.28,<1.43", "buildah-docker": ">=1.28,<1.43"},
        "BUILD-08",
        "instructions before the first FROM are let through",
        "ENV a=b\nFROM scratch\n",
        "observed on Buildah 1.28.2 and 1.39.3; not on 1.19.6 and 1.43.2",
        "observed",
        grammar={"before_from": "ignored"},
    ),
    Deviation(
        "imagebuilder-modifiers-old",
        "builder",
        {"buildah": "<1.39", "buildah-docker": "<1.39"},
        "BUILD-10",
        "of the modifiers only ${X:-w} and ${X:+w} exist",
        "FROM ${A:?nope}\n",
        "observed on Buildah 1.19.6 and 1.28.2",
        "observed",
        grammar={"modifiers": frozenset({":-", ":+"})},
    ),
    Deviation(
        "imagebuilder-modifiers",
        "builder",
        {"buildah": ">=1.39", "buildah-docker": ">=1.39"},
        "BUILD-10",
        "${X-w}, ${X+w} and ${X?w} are rejected, and ${X:?text} gives the text as the value",
        "FROM ${A:?nope}\n",
        "observed on Buildah 1.39.3 and 1.43.2; openshift/imagebuilder shell_parser.go",
        "observed",
        grammar={"modifiers": frozenset({":-", ":+", ":?", "#", "%", "/"}), "required": "value"},
    ),
    Deviation(
        "imagebuilder-variable-no-stage",
        "builder",
        {"buildah": "<1.28", "buildah-docker": "<1.28"},
        "BUILD-10",
        "a FROM word that holds a variable never names a stage",
        'ARG X=a\nFROM scratch AS a\nCMD ["1"]\nFROM ${X}\n',
        "observed on Buildah 1.19.6",
        "observed",
        sets={"stage_by_variable": "never"},
    ),
    Deviation(
        "imagebuilder-default-no-stage",
        "builder",
        {"buildah": ">=1.28,<1.39", "buildah-docker": ">=1.28,<1.39"},
        "BUILD-10",
        "a FROM word that holds a variable names a stage only when --build-arg gives the value",
        'ARG X=a\nFROM scratch AS a\nCMD ["1"]\nFROM ${X}\n',
        "observed on Buildah 1.28.2; not on 1.39.3",
        "observed",
        sets={"stage_by_variable": "build-arg"},
    ),
    Deviation(
        "imagebuilder-target-index",
        "builder",
        {"buildah": ">=1.39", "buildah-docker": ">=1.39"},
        "BUILD-13",
        "--target 0 is the first stage, also when it has a name",
        'FROM scratch AS a\nCMD ["1"]\nFROM scratch\n',
        "observed on Buildah 1.39.3 and 1.43.2; not on 1.28.2",
        "observed",
        sets={"target_by_index": True},
    ),
    Deviation(
        "imagebuilder-stages",
        "builder",
        _BUILDAH,
        "BUILD-09",
        "stage names are compared exactly, FROM 0 is the first stage, and no stage hides scratch; which "
        "of two equal names counts changes from run to run",
        'FROM scratch AS Foo\nCMD ["a"]\nFROM Foo\n',
        "observed on Buildah 1.28.2",
        "observed",
        sets={
            "stage_lookup": "exact",
            "stage_by_index": True,
            "stages_after_target": "cut",
            "scratch_stage": False,
            "target_case": "exact",
            "copy_cycles": "ignored",
        },
    ),
    # --- kaniko -----------------------------------------------------------------------------------
    Deviation(
        "kaniko-reset-at-end",
        "builder",
        {"kaniko": ""},
        "BUILD-02",
        "Cmd is emptied at the stage's end, if it has an ENTRYPOINT and no CMD, both in capitals",
        'FROM scratch\ncmd ["a"]\nENTRYPOINT ["b"]\n',
        "kaniko 236ba56 pkg/executor/build.go (reviewConfig)",
        "source-read",
        sets={"reset": "at-stage-end"},
    ),
    Deviation(
        "kaniko-shared-shell",
        "builder",
        {"kaniko": ""},
        "BUILD-04",
        "with a SHELL of 3, 5, 6 or 7 words a later shell form overwrites the script of an earlier "
        "one",
        'FROM scratch\nSHELL ["a","b","c"]\nCMD x\nENTRYPOINT y\n',
        "kaniko 236ba56 pkg/commands/{cmd,entrypoint}.go, run as a library",
        "source-read",
        sets={"shell_storage": "shared"},
    ),
    Deviation(
        "kaniko-stages",
        "builder",
        {"kaniko": ""},
        "BUILD-09",
        "the base is lower-cased before it is looked up, the first of two equal names counts, and no "
        "stage hides scratch",
        'FROM scratch AS Foo\nCMD ["a"]\nFROM Foo\n',
        "kaniko 236ba56 pkg/executor/build.go",
        "source-read",
        sets={"stage_lookup": "any-case", "duplicate_stage": "first", "scratch_stage": False},
    ),
    # --- runtimes ---------------------------------------------------------------------------------
    Deviation(
        "no-command-capital",
        "runtime",
        {"docker": "<25.0"},
        "MERGE-06",
        "the message starts with a capital letter",
        "FROM scratch\nLABEL a=b\n",
        "observed on Docker Engine 20.10.24",
        "observed",
        sets={"no_command": "No command specified"},
    ),
    Deviation(
        "podman-json-entrypoint",
        "runtime",
        {"podman": ""},
        "MERGE-07",
        "--entrypoint may be a JSON list",
        'FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n# podman run --entrypoint \'["p","q"]\'\n',
        "observed on Podman 4.3.1; containers/podman pkg/specgenutil/specgen.go",
        "observed",
        sets={"typed_entrypoint": "json", "init_prefix": ("/run/podman-init", "--")},
    ),
    Deviation(
        "podman-no-command-message",
        "runtime",
        {"podman": "<5.0"},
        "MERGE-06",
        "the message is Podman's own",
        "FROM scratch\nLABEL a=b\n",
        "observed on Podman 4.3.1",
        "observed",
        sets={
            "no_command": "no command or entrypoint provided, and no CMD or ENTRYPOINT from image"
        },
    ),
    Deviation(
        "podman-empty-word",
        "runtime",
        {"podman": ">=5.0"},
        "MERGE-06",
        "with nothing to run, argv is one empty word and the start fails",
        "FROM scratch\nLABEL a=b\n",
        "containers/podman 5cc83da1c6",
        "source-read",
        sets={"nothing_to_run": "empty-word"},
    ),
    Deviation(
        "cri-manifest",
        "runtime",
        {"cri": ""},
        "MERGE-11",
        'command and args come from a manifest: an empty list is as not given, [""] is literal, and '
        "there is no --init",
        'FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n# command: []\n',
        "observed on containerd 1.7.24 and 2.1.9 (args, command, both); containerd "
        "internal/cri/opts/spec_opts.go (WithProcessArgs)",
        "observed",
        sets={
            "empty_entrypoint": "absent",
            "empty_word": "image",
            "init_prefix": (),
            "expands": True,
        },
    ),
    Deviation(
        "compose-shellwords",
        "runtime",
        {"compose": ""},
        "MERGE-07",
        "a string is split into words; an empty one is an empty list",
        'FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n# docker compose run --entrypoint \'\'\n',
        "compose-go types/command.go; docker/compose pkg/compose/run.go",
        "source-read",
        sets={"typed_entrypoint": "shellwords", "typed_empty": "empty-list"},
    ),
)
