"""Compose projects written by hand: one question each, for Compose and entrysem to answer alike.

`python -m conformance.compose_projects` asks the Composes of the lab, and writes what they say to
`tests/inputs/compose/observed.json`, which the tests that need no engine compare with.
"""

# ruff: noqa: E501  # a project stands on a line where it can

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.composed import NAME, Compose, Project, Reading

__all__ = ["OBSERVED", "PROJECTS", "SUITES", "moved", "observations"]

OBSERVED = Path(__file__).parents[1] / "tests" / "inputs" / "compose" / "observed.json"
SUITES = ("trixie", "sid")


def _one(body: str, **more: object) -> Project:
    """A project of one service `web`."""
    text = "services:\n  web:\n" + "".join(f"    {line}\n" for line in body.splitlines())
    return _files({"compose.yaml": text}, **more)


def _files(files: dict[str, str], **more: object) -> Project:
    return Project(files, **more)  # type: ignore[arg-type]


def _image(body: str, **more: object) -> Project:
    return _one(f"image: acme/web\n{body}", **more)


_BASE = "services:\n  web:\n    image: acme/base\n    command: [base]\n    entrypoint: [e, f]\n    init: true\n"
_BUILT = (
    "services:\n  web:\n    build:\n      context: app\n      dockerfile: D\n      target: t\n"
    "      args: {A: 1, B: two, C: }\n"
)

PROJECTS: dict[str, Project] = {
    # -- words
    "null": _image("command:\nentrypoint: ~"),
    "empty-text": _image("command: ''\nentrypoint: ''"),
    "empty-list": _image("command: []\nentrypoint: []"),
    "one-empty-word": _image("command: ['']\nentrypoint: ['']"),
    "quotes": _image("""command: a "b c" 'd e' f\\ g ''"""),
    "shell-operators": _image("command: echo a && rm -rf b | c > d"),
    "redirect-number": _image("command: echo a 2> b"),
    "substitution": _image("command: echo $$(date +%s) `id`"),
    "lone-parenthesis": _image("command: 'a ) b ) c'"),
    "redirect-word": _image("command: echo 2a> b"),
    "backslash-in-substitution": _image("command: '$$(a\\)b) `c\\d`'"),
    "home": _one("build: ~x/y"),
    "open-quote": _image("command: echo 'a"),
    "parenthesis": _image("command: echo (a)"),
    "newlines": _image("command: |\n  a b\n  c \\\n  d\n"),
    "folded": _image("command: >\n  sh -c\n  'x y'\n"),
    "blank-text": _image("command: '   '"),
    "list-of-number": _image("command: [echo, 1]"),
    "list-of-boolean": _image("command: [echo, true]"),
    "list-of-null": _image("command: [echo, ~]"),
    "list-of-date": _image("command: [echo, 2001-01-01]"),
    "list-of-yes": _image("command: [echo, yes, on, off, y]"),
    "list-of-octal": _image("command: [echo, '0o10', 0x]"),
    "number": _image("command: 5"),
    "boolean": _image("command: true"),
    "mapping": _image("command: {a: b}"),
    "nested-list": _image("command: [[a]]"),
    "non-ascii": _image("command: é \u4e2d 'ü ö'"),
    "escapes": _image('command: ["a\\tb", "\\x1b[0m", "c\\nd"]'),
    "text-escapes": _image("command: a\\tb\\nc"),
    # -- interpolation
    "variables": _image(
        "command: [$A, '${A}', '${A:-d}', '${A-d}', '${A:+r}', '${A+r}', '${A:?e}', '${A?e}']",
        environment={"A": "a"},
    ),
    "empty-variables": _image(
        "command: [$A, '${A}', '${A:-d}', '${A-d}', '${A:+r}', '${A+r}', '${A?e}']",
        environment={"A": ""},
    ),
    "no-variables": _image(
        "command: [$A, '${A}', '${A:-d}', '${A-d}', '${A:+r}', '${A+r}']", environment={}
    ),
    "required": _image("command: ['${A:?not there}']"),
    "required-empty": _image("command: ['${A:?}']", environment={"A": ""}),
    "required-unset": _image("command: ['${A?}']"),
    "nested": _image(
        "command: ['${A:-${B:-${C}c}b}a', '${B-x}${A:-y}z', '${A:-{}}', '${A:-{x}y}']"
    ),
    "nested-required": _image("command: ['${A:-${B?no}}']", environment={"A": "a"}),
    "several": _image(
        "command: ['${A:-x} ${B:-y} $C ${C} $$D $${E}', 'p${A}q${B}r']", environment={"B": "b"}
    ),
    "braces": _image("command: ['${A:-{b}', '}{', '{${A}}', '${A-}}']"),
    "operators-in-default": _image(
        "command: ['${A:-b:?c}', '${A-b:-c}', '${A-b+c}', '${B:+c-d?}', '${A:-:-}']",
        environment={"B": "b"},
    ),
    "lone-dollar": _image("command: [a$, '$ b', '$5', 'a$-b', '$$', '$$$$', '$$$A', '$.']"),
    "invalid-brace": _image("command: ['${5}']"),
    "invalid-empty": _image("command: ['${}']"),
    "invalid-open": _image("command: ['${A']"),
    "invalid-space": _image("command: ['${ A }']"),
    "invalid-operator": _image("command: ['${A/b/c}']"),
    "lower-case": _image(
        "command: ['$a ${b_1} $_c $a.b $a-b']", environment={"a": "1", "b_1": "2", "_c": "3"}
    ),
    "default-over-lines": _image('command: ["${A:-b\\nc}"]'),
    "default-then-line": _image('command: ["${A:-b}\\n}"]', environment={}),
    "words-from-variable": _image("command: $A", environment={"A": "x 'y z' && q"}),
    "empty-from-variable": _image("command: $A\nentrypoint: ${A}"),
    "image-variable": _one("image: acme/${A:-web}:${B-1}"),
    "keys-are-not-interpolated": _one("build: {context: ., args: {$A: x}}", environment={"A": "a"}),
    # -- .env
    "dotenv": _files(
        {
            "compose.yaml": "services: {web: {image: i, command: [$A, $B, $C, $D, $E, $F, $G, $H, $I, $J]}}",
            ".env": (
                "# comment\nA=a b # c\nB='x $A\\n'\nC=\"y $A\\t\\$A\"\nexport D=$A-${Z:-z}\nE: e\n\nF=#f\n"
                'G= g \nH="multi\nline"\nI=\'it\\\'s\'\nJ="a\\"b"\n'
            ),
        }
    ),
    "dotenv-under-environment": _files(
        {
            "compose.yaml": "services: {web: {image: i, command: [$A, $B, $C]}}",
            ".env": "A=1\nB=$A\nC\n",
        },
        environment={"A": "env", "C": "c"},
    ),
    "dotenv-last-line": _files(
        {"compose.yaml": "services: {web: {image: i, command: [$A, $B]}}", ".env": "A=1\nB"},
        environment={"B": "b"},
    ),
    "dotenv-twice": _files(
        {"compose.yaml": "services: {web: {image: i, command: [$A]}}", ".env": "A=1\nA=2\nA=$A$A\n"}
    ),
    "dotenv-bom-crlf": _files(
        {
            "compose.yaml": "services: {web: {image: i, command: [$A, $B]}}",
            ".env": "\ufeffA=1\r\nB='2'\r\n",
        }
    ),
    "dotenv-escapes": _files(
        {
            "compose.yaml": "services: {web: {image: i, command: [$A, $B, $C]}}",
            ".env": 'A="\\0101\\x41\\c\\\\"\nB="a\\\'b"\nC=a\\nb\n',
        }
    ),
    "dotenv-rest-of-line": _files(
        {
            "compose.yaml": "services: {web: {image: i, command: [$A, $B]}}",
            ".env": 'A="x" # y\nB="x"C=y\n',
        }
    ),
    "dotenv-bad-name": _files({"compose.yaml": "services: {web: {image: i}}", ".env": "A!=1\n"}),
    "dotenv-space-in-name": _files(
        {"compose.yaml": "services: {web: {image: i}}", ".env": "A B=1\n"}
    ),
    "dotenv-open-quote": _files({"compose.yaml": "services: {web: {image: i}}", ".env": "A='1\n"}),
    "dotenv-required": _files(
        {"compose.yaml": "services: {web: {image: i}}", ".env": "A=${B:?b}\n"}
    ),
    "dotenv-digit": _files(
        {
            "compose.yaml": "services: {web: {image: i, command: ['$1A', $A.B]}}",
            ".env": "1A=x\nA.B=y\nA=z\n",
        }
    ),
    "env-file": _files(
        {
            "compose.yaml": "services: {web: {image: i, command: [$A, $B, $C]}}",
            ".env": "A=dot\nC=dot\n",
            "one.env": "A=1\nB=$A\n",
            "two.env": "A=2\nB=$A$B\n",
        },
        options=("--env-file", "one.env", "--env-file", "two.env"),
    ),
    "env-file-missing": _image("", options=("--env-file", "none.env")),
    "env-files-variable": _files(
        {"compose.yaml": "services: {web: {image: i, command: [$A]}}", "one.env": "A=1\n"},
        environment={"COMPOSE_ENV_FILES": "one.env"},
    ),
    "no-env-file": _files(
        {"compose.yaml": "services: {web: {image: i, command: [$A]}}", ".env": "A=1\n"},
        environment={"COMPOSE_DISABLE_ENV_FILE": "1"},
    ),
    "compose-file-in-dotenv": _files(
        {
            "a.yaml": "services: {web: {image: i, command: [a]}}",
            "b.yaml": "services: {web: {command: [$A]}}",
            ".env": "COMPOSE_FILE=a.yaml:b.yaml\nA=b\n",
        }
    ),
    "compose-path-separator": _files(
        {
            "a.yaml": "services: {web: {image: i, command: [a]}}",
            "b.yaml": "services: {web: {command: [b]}}",
        },
        environment={"COMPOSE_FILE": "a.yaml,b.yaml", "COMPOSE_PATH_SEPARATOR": ","},
    ),
    "project-name": _files(
        {
            "compose.yaml": "name: My-App\nservices: {web: {image: i, command: [$COMPOSE_PROJECT_NAME]}}"
        }
    ),
    "project-name-variable": _files(
        {
            "compose.yaml": "name: ${N}\nservices: {web: {image: i, command: [$COMPOSE_PROJECT_NAME]}}"
        },
        environment={"N": "abc"},
    ),
    "project-name-folder": _files(
        {"compose.yaml": "services: {web: {image: i, command: [$COMPOSE_PROJECT_NAME]}}"}
    ),
    # -- build
    "build-text": _one("build: ./app"),
    "build-empty": _one("build: {}"),
    "build-null": _one("build:"),
    "build-empty-text": _one("build: ''"),
    "build-context-null": _one("build: {context: , target: t}"),
    "build-all": _one(
        "image: acme/web\nplatform: linux/arm64\nbuild:\n  context: app\n  dockerfile: docker/Dockerfile.web\n"
        "  target: prod\n  args: [A=1, B, 'C=x=y', D=]\n  labels: {a: b}",
        environment={"B": "from-env"},
    ),
    "build-args-map": _one(
        "build:\n  context: .\n  args: {A: 1, B: 1.10, C: true, D: null, E: '', F: 0o17, G: 1e3, H: null, I: 1e30, J: 1.5e-7, K: 123456.5, L: 1234567.5, M: 1e5, N: 1e6, O: 0.0001, P: 0.00001, Q: -0.0}",
        environment={"D": "d"},
    ),
    "build-args-infinity": _one("build: {context: ., args: {A: .inf, B: -.inf, C: .nan}}"),
    "build-args-null": _one("build: {context: ., args: }"),
    "build-args-text": _one("build: {context: ., args: A=1}"),
    "build-args-list-number": _one("build: {context: ., args: [1]}"),
    "build-args-twice": _one("build: {context: ., args: [A=1, A=2, A]}"),
    "build-args-same": _one("build: {context: ., args: [A=1, A=1]}"),
    "build-args-space": _one("build: {context: ., args: ['A =1']}"),
    "build-args-date": _one("build: {context: ., args: {A: 2001-01-01}}"),
    "build-args-list-value": _one("build: {context: ., args: {A: [b]}}"),
    "build-args-key": _one("build: {context: ., args: {1: b}}"),
    "build-inline": _one(
        'build:\n  dockerfile_inline: |\n    FROM scratch\n    CMD ["$A", "$$B"]\n'
    ),
    "build-inline-and-file": _one("build: {dockerfile: D, dockerfile_inline: FROM scratch}"),
    "build-absolute": _one("build: {context: app, dockerfile: /srv/Dockerfile}"),
    "build-parent": _one("build: {context: ../other, dockerfile: ../D}"),
    "build-remote": _one("build: https://example.com/acme/web.git#main:sub"),
    "build-remote-git": _one("build: {context: 'git@example.com:acme/web.git', target: t}"),
    "build-remote-inline": _one(
        "build: {context: 'https://example.com/acme/web.git', dockerfile_inline: FROM scratch}"
    ),
    "build-contexts": _one(
        "build:\n  context: .\n  additional_contexts: {base: 'docker-image://acme/base', src: ./src}"
    ),
    "build-context-service": _files(
        {
            "compose.yaml": (
                "services:\n  base: {build: base}\n  web:\n    build: {context: ., additional_contexts: {base: 'service:base'}}\n"
            )
        }
    ),
    "build-platforms": _one("build: {context: ., platforms: [linux/amd64, linux/arm64]}"),
    "build-list": _one("build: [a]"),
    "build-dockerfile-number": _one("build: {context: ., dockerfile: 5}"),
    "build-unknown-key": _one("build: {context: ., x-mine: 1}"),
    "neither": _one("command: x"),
    "image-null": _one("image:\nbuild: ."),
    "image-number": _one("image: 5"),
    "image-empty": _one("image: ''\nbuild: ."),
    "image-empty-alone": _one("image: ''"),
    "service-null": _one(""),
    "service-list": _files({"compose.yaml": "services: {web: [a]}"}),
    "services-list": _files({"compose.yaml": "services: [a]"}),
    "services-null": _files({"compose.yaml": "services:\n"}),
    "no-services": _files({"compose.yaml": "volumes: {}\n"}),
    "top-list": _files({"compose.yaml": "- a\n"}),
    "empty-file": _files({"compose.yaml": ""}),
    "comment-file": _files({"compose.yaml": "# nothing\n"}),
    "number-key": _files({"compose.yaml": "services: {1: {image: i}}"}),
    "version": _files({"compose.yaml": "version: '3.8'\nservices: {web: {image: i}}"}),
    "extension": _files(
        {
            "compose.yaml": (
                "x-web: &web {image: i, command: [a], init: true}\nservices:\n  one: *web\n"
                "  two: {<<: *web, command: [b]}\n  three: {<<: [*web], entrypoint: e f}\n"
            )
        }
    ),
    "init-forms": _files(
        {
            "compose.yaml": "services:\n"
            + "".join(
                f"  s{n}: {{image: i, init: {text}}}\n"
                for n, text in enumerate(
                    ("true", "false", "'true'", "'no'", "'Y'", "'ON'", "yes", "False")
                )
            )
        }
    ),
    "init-null": _image("init:"),
    "init-wrong": _image("init: maybe"),
    "init-variable": _image("init: ${I:-true}"),
    "init-number": _image("init: 1"),
    "platform": _image("platform: linux/arm/v7"),
    "duplicate-key": _image("command: a\ncommand: b"),
    # -- several files
    "override-file": _files(
        {"compose.yaml": _BASE, "compose.override.yaml": "services: {web: {command: x y}}"}
    ),
    "override-not-with-f": _files(
        {"compose.yaml": _BASE, "compose.override.yaml": "services: {web: {command: x y}}"},
        named=("compose.yaml",),
    ),
    "which-name": _files(
        {
            "docker-compose.yml": "services: {web: {image: one}}",
            "compose.yml": "services: {web: {image: two}}",
            "docker-compose.override.yml": "services: {web: {command: [x]}}",
        }
    ),
    "override-null": _files(
        {"a.yaml": _BASE, "b.yaml": "services: {web: {command: , entrypoint: , init: , image: }}"},
        named=("a.yaml", "b.yaml"),
    ),
    "override-empty": _files(
        {"a.yaml": _BASE, "b.yaml": "services: {web: {command: [], entrypoint: '', init: false}}"},
        named=("a.yaml", "b.yaml"),
    ),
    "override-service-null": _files(
        {"a.yaml": _BASE, "b.yaml": "services: {web: }"}, named=("a.yaml", "b.yaml")
    ),
    "override-adds": _files(
        {"a.yaml": _BASE, "b.yaml": "services: {db: {image: db}, web: {platform: linux/arm64}}"},
        named=("a.yaml", "b.yaml"),
    ),
    "override-build-text": _files(
        {"a.yaml": _BUILT, "b.yaml": "services: {web: {build: other}}"}, named=("a.yaml", "b.yaml")
    ),
    "override-build-args": _files(
        {"a.yaml": _BUILT, "b.yaml": "services: {web: {build: {args: [B=3, D=4, C], target: u}}}"},
        named=("a.yaml", "b.yaml"),
        environment={"C": "see"},
    ),
    "override-build-args-map": _files(
        {"a.yaml": _BUILT, "b.yaml": "services: {web: {build: {args: {A: 2.50, B: , D: true}}}}"},
        named=("a.yaml", "b.yaml"),
    ),
    "override-build-nulls": _files(
        {"a.yaml": _BUILT, "b.yaml": "services: {web: {build: {args: , target: , dockerfile: }}}"},
        named=("a.yaml", "b.yaml"),
    ),
    "override-build-null": _files(
        {"a.yaml": _BUILT, "b.yaml": "services: {web: {build: }}"}, named=("a.yaml", "b.yaml")
    ),
    "override-build-inline": _files(
        {"a.yaml": _BUILT, "b.yaml": "services: {web: {build: {dockerfile_inline: FROM scratch}}}"},
        named=("a.yaml", "b.yaml"),
    ),
    "override-build-inline-reset": _files(
        {
            "a.yaml": _BUILT,
            "b.yaml": "services: {web: {build: {dockerfile: !reset null, dockerfile_inline: FROM scratch}}}",
        },
        named=("a.yaml", "b.yaml"),
    ),
    "override-image-to-build": _files(
        {"a.yaml": _BASE, "b.yaml": "services: {web: {build: app}}"}, named=("a.yaml", "b.yaml")
    ),
    "override-text-over-text": _files(
        {"a.yaml": "services: {web: {build: one}}", "b.yaml": "services: {web: {build: two}}"},
        named=("a.yaml", "b.yaml"),
    ),
    "override-in-folder": _files(
        {"sub/a.yaml": _BUILT, "b.yaml": "services: {web: {build: {context: x}}}"},
        named=("sub/a.yaml", "b.yaml"),
    ),
    "project-directory": _files(
        {"sub/a.yaml": _BUILT, "dir/.env": "Z=1\n"},
        named=("sub/a.yaml",),
        options=("--project-directory", "dir"),
    ),
    "two-documents": _files(
        {"compose.yaml": _BASE + "---\nservices: {web: {command: [second]}}\n"}
    ),
    "null-document": _files({"compose.yaml": "---\n---\n" + _BASE}),
    # -- !reset, !override
    "reset-command": _files(
        {
            "a.yaml": _BASE,
            "b.yaml": "services: {web: {command: !reset null, entrypoint: !reset []}}",
        },
        named=("a.yaml", "b.yaml"),
    ),
    "reset-service": _files(
        {"a.yaml": _BASE + "  db: {image: db}\n", "b.yaml": "services: {web: !reset null}"},
        named=("a.yaml", "b.yaml"),
    ),
    "override-service-tag": _files(
        {"a.yaml": _BASE, "b.yaml": "services: {web: !override {image: new}}"},
        named=("a.yaml", "b.yaml"),
    ),
    "override-build-tag": _files(
        {"a.yaml": _BUILT, "b.yaml": "services: {web: {build: !override {context: x}}}"},
        named=("a.yaml", "b.yaml"),
    ),
    "override-args-tag": _files(
        {"a.yaml": _BUILT, "b.yaml": "services: {web: {build: {args: !override {Z: 1}}}}"},
        named=("a.yaml", "b.yaml"),
    ),
    "reset-args": _files(
        {"a.yaml": _BUILT, "b.yaml": "services: {web: {build: {args: {A: !reset null}}}}"},
        named=("a.yaml", "b.yaml"),
    ),
    "reset-list-item": _image("command: [a, !reset b, c]"),
    "reset-alone": _image("command: !reset [a]"),
    "override-command-tag": _files(
        {"a.yaml": _BASE, "b.yaml": "services: {web: {command: !override [z]}}"},
        named=("a.yaml", "b.yaml"),
    ),
    "unknown-tag": _image("command: !mine [a]"),
    "unknown-tag-text": _image("command: !mine a"),
    # -- extends
    "extends-text": _files({"compose.yaml": _BASE + "  app: {extends: web, command: [own]}\n"}),
    "extends-map": _files(
        {"compose.yaml": _BASE + "  app: {extends: {service: web}, entrypoint: []}\n"}
    ),
    "extends-null-command": _files(
        {"compose.yaml": _BASE + "  app: {extends: {service: web}, entrypoint: , command: }\n"}
    ),
    "extends-chain": _files(
        {
            "compose.yaml": _BUILT
            + "  b: {extends: web, build: {args: {A: 9, N: n}}}\n  c: {extends: {service: b}, command: c, build: {target: v}}\n"
        }
    ),
    "extends-cycle": _files({"compose.yaml": "services: {a: {extends: b}, b: {extends: a}}"}),
    "extends-itself": _files({"compose.yaml": "services: {a: {image: i, extends: a}}"}),
    "extends-missing": _files({"compose.yaml": "services: {a: {image: i, extends: b}}"}),
    "extends-no-service": _files(
        {"compose.yaml": "services: {a: {image: i, extends: {file: x.yaml}}}"}
    ),
    "extends-file": _files(
        {
            "compose.yaml": "services: {a: {extends: {service: web, file: sub/common.yaml}, command: [own]}}",
            "sub/common.yaml": _BUILT + "    entrypoint: x $A\n",
            "sub/.env": "A=sub\n",
            ".env": "A=main\n",
        }
    ),
    "extends-file-default-context": _files(
        {
            "compose.yaml": "services: {a: {extends: {service: web, file: sub/common.yaml}}}",
            "sub/common.yaml": "services: {web: {build: {target: t}}}",
        }
    ),
    "extends-file-text-context": _files(
        {
            "compose.yaml": "services: {a: {extends: {service: web, file: sub/common.yaml}}}",
            "sub/common.yaml": "services: {web: {build: app}}",
        }
    ),
    "extends-file-chain": _files(
        {
            "compose.yaml": "services: {a: {extends: {service: b, file: sub/b.yaml}}}",
            "sub/b.yaml": "services: {b: {extends: {service: c, file: deep/c.yaml}, command: [b]}}",
            "sub/deep/c.yaml": "services: {c: {build: ctx, entrypoint: [c]}}",
        }
    ),
    "extends-file-same-file": _files(
        {
            "compose.yaml": "services: {a: {extends: {service: b, file: compose.yaml}}, b: {image: i, command: [b]}}"
        }
    ),
    "extends-file-missing": _files(
        {"compose.yaml": "services: {a: {image: i, extends: {service: b, file: no.yaml}}}"}
    ),
    "extends-reset": _files(
        {"compose.yaml": _BASE + "  app: {extends: web, command: !reset null, init: !reset true}\n"}
    ),
    "extends-override": _files(
        {"compose.yaml": _BUILT + "  app: {extends: web, build: !override {context: z}}\n"}
    ),
    "extends-in-override-file": _files(
        {"a.yaml": _BASE, "b.yaml": "services: {app: {extends: web}}"}, named=("a.yaml", "b.yaml")
    ),
    "extends-profile": _files(
        {
            "compose.yaml": "services:\n  a: {image: i, profiles: [p]}\n  b: {extends: a}\n  c: {image: c}\n"
        }
    ),
    "extends-null-service": _files({"compose.yaml": "services: {a: {image: i, extends: b}, b: }"}),
    # -- profiles
    "profiles-none": _files(
        {
            "compose.yaml": "services: {a: {image: a, profiles: [p]}, b: {image: b}, c: {image: c, profiles: [q, p]}}"
        }
    ),
    "profiles-one": _files(
        {
            "compose.yaml": "services: {a: {image: a, profiles: [p]}, b: {image: b}, c: {image: c, profiles: [q]}}"
        },
        options=("--profile", "p"),
    ),
    "profiles-all": _files(
        {"compose.yaml": "services: {a: {image: a, profiles: [p]}, c: {image: c, profiles: [q]}}"},
        options=("--profile", "*"),
    ),
    "profiles-variable": _files(
        {"compose.yaml": "services: {a: {image: a, profiles: [p]}, c: {image: c, profiles: [q]}}"},
        environment={"COMPOSE_PROFILES": "q, r"},
    ),
    "profiles-dotenv": _files(
        {
            "compose.yaml": "services: {a: {image: a, profiles: [p]}, c: {image: c}}",
            ".env": "COMPOSE_PROFILES=p\n",
        }
    ),
    "profiles-interpolated": _files(
        {"compose.yaml": "services: {a: {image: a, profiles: ['$P']}, c: {image: c}}"},
        environment={"P": "p", "COMPOSE_PROFILES": "p"},
    ),
    "profiles-inactive-without-image": _files(
        {"compose.yaml": "services: {a: {command: a, profiles: [p]}, c: {image: c}}"}
    ),
    "profiles-empty-list": _files({"compose.yaml": "services: {a: {image: a, profiles: []}}"}),
    "profiles-text": _files({"compose.yaml": "services: {a: {image: a, profiles: p}}"}),
    "profiles-merged": _files(
        {
            "a.yaml": "services: {a: {image: a, profiles: [p]}}",
            "b.yaml": "services: {a: {profiles: [q]}, c: {image: c}}",
        },
        named=("a.yaml", "b.yaml"),
        options=("--profile", "p"),
    ),
    # -- include
    "include": _files(
        {
            "compose.yaml": "include: [sub/compose.yaml]\nservices: {a: {image: a, command: [$A]}}",
            "sub/compose.yaml": "services: {b: {build: app, command: [$A, $B]}}",
            "sub/.env": "A=sub\nB=sub\n",
            ".env": "A=main\n",
        }
    ),
    "include-map": _files(
        {
            "compose.yaml": (
                "include:\n- path: [sub/compose.yaml, over.yaml]\n  env_file: x.env\n  project_directory: dir\n"
                "services: {a: {image: a}}"
            ),
            "sub/compose.yaml": "services: {b: {build: app, command: [$A]}}",
            "over.yaml": "services: {b: {entrypoint: [o]}}",
            "x.env": "A=x\n",
            "dir/app/x": "",
        }
    ),
    "include-conflict": _files(
        {
            "compose.yaml": "include: [sub/compose.yaml]\nservices: {b: {image: a}}",
            "sub/compose.yaml": "services: {b: {image: b}}",
        }
    ),
    "include-overridden": _files(
        {
            "compose.yaml": "include: [sub/compose.yaml]\n",
            "compose.override.yaml": "services: {b: {command: [over]}}",
            "sub/compose.yaml": "services: {b: {image: b, command: [sub]}}",
        }
    ),
    "include-nested": _files(
        {
            "compose.yaml": "include: [sub/compose.yaml]\n",
            "sub/compose.yaml": "include: [deep/compose.yaml]\nservices: {b: {build: .}}",
            "sub/deep/compose.yaml": "services: {c: {build: {target: t}}}",
        }
    ),
    "include-cycle": _files(
        {
            "compose.yaml": "include: [b.yaml]\n",
            "b.yaml": "include: [compose.yaml]\nservices: {b: {image: b}}",
        }
    ),
    "include-missing": _files({"compose.yaml": "include: [no.yaml]\n"}),
    "include-text": _files(
        {"compose.yaml": "include: b.yaml\n", "b.yaml": "services: {b: {image: b}}"}
    ),
    "include-extends-included": _files(
        {
            "compose.yaml": "include: [b.yaml]\nservices: {a: {extends: b}}",
            "b.yaml": "services: {b: {image: b}}",
        }
    ),
    # -- services asked for
    "one-service": _files(
        {"compose.yaml": "services: {a: {image: a, profiles: [p]}, b: {image: b}}"}, services=("a",)
    ),
    "no-such-service": _files({"compose.yaml": "services: {a: {image: a}}"}, services=("z",)),
    # -- YAML
    "yaml-anchor-cycle": _files({"compose.yaml": "services: {web: &w {image: i, x-a: *w}}"}),
    "yaml-tab": _files({"compose.yaml": "services:\n\tweb: {image: i}\n"}),
    "yaml-utf8": _files({"compose.yaml": "services: {web: {image: i, command: ['\udcff']}}"}),
    "yaml-bom": _files({"compose.yaml": "\ufeffservices: {web: {image: i}}"}),
    "yaml-merge-order": _files(
        {
            "compose.yaml": (
                "x-a: &a {image: a, command: [a]}\nx-b: &b {image: b, entrypoint: [b]}\n"
                "services: {web: {<<: [*a, *b], init: true}}\n"
            )
        }
    ),
    "yaml-merge-twice": _files(
        {
            "compose.yaml": "x-a: &a {image: a}\nx-b: &b {command: b}\nservices:\n  web:\n    <<: *a\n    <<: *b\n"
        }
    ),
    "yaml-json": _files(
        {"compose.yaml": '{"services": {"web": {"image": "i", "command": ["a", "\\u00e9"]}}}'}
    ),
}


def moved(services: Mapping[str, Any] | None, folder: Path) -> Any:
    """The services as they are when the project is in `/project`; None for a refused project."""
    text = json.dumps(services)
    return json.loads(text.replace(f"{folder.parent}/", "/"))


def observations(suite: str) -> tuple[str, dict[str, Any]]:
    """The version of a suite's Compose, and what it makes of each project."""
    compose = Compose(suite)
    with compose.folder() as folder:
        readings: list[Reading] = compose.read(list(PROJECTS.values()), folder)
        found = {
            name: moved(reading.services, folder / f"p{number}" / NAME)
            for number, (name, reading) in enumerate(zip(PROJECTS, readings, strict=True))
        }
    return compose.version, found


if __name__ == "__main__":
    seen = dict(observations(suite) for suite in SUITES)
    OBSERVED.write_text(json.dumps(seen, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
