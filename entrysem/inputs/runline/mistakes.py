"""What people get wrong at these command lines, and what only the shell knows.

A mistake is named where the line itself shows it; `warning` says that it probably is one. Each note tells
what happens and what to do. Codes are an interface and never change.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from entrysem.bases.lookup import parse_reference
from entrysem.inputs.runline.flags import Given, Option, OptionSet
from entrysem.inputs.subject import Note
from entrysem.late import late

if TYPE_CHECKING:
    from entrysem.inputs.runline.line import LineWord

__all__ = ["Known", "decides", "notes"]

_INTERSPERSED_OFF = "docker/cli cli/command/container/run.go (SetInterspersed)"
_ENTRYPOINT_WORD = "docker/cli cli/command/container/opts.go (parse)"
_PFLAG = "spf13/pflag flag.go (parseArgs)"


class Known(NamedTuple):
    """A line that was read, for the judgements below.

    Attributes:
        program: `docker run`.
        options: what it takes.
        given: what was given.
        words: with their roles.
        image: its reference, or None.
        first: the role of the first word that is no option.
        operator, following: what ends the command, and what the shell does after it.
        redirections: where its streams go.
        before: commands that stand before it.
    """

    program: str
    options: OptionSet
    given: Sequence[Given]
    words: Sequence[LineWord]
    image: str | None
    first: str
    operator: str
    following: str
    redirections: Sequence[str]
    before: Sequence[str]


def notes(known: Known) -> tuple[Note, ...]:
    """The notes, the mistakes first."""
    found = [
        *_typography(known),
        *_swallowed(known),
        *_image(known),
        *_after_image(known),
        *_entrypoint(known),
        *_one_word(known),
        *_pod(known),
        *_shell(known),
    ]
    return tuple(sorted(found, key=lambda note: not note.warning))


def _indexed(known: Known, *roles: str) -> list[tuple[int, LineWord]]:
    return [(i, word) for i, word in enumerate(known.words) if word.role in roles]


def _word(index: int) -> str:
    return f"word {index + 1}"


def _typography(known: Known) -> Iterator[Note]:
    for index, word in enumerate(known.words):
        if word.text[:1] in ("\u2013", "\u2014", "\u2212"):
            yield Note(
                "typographic-dash",
                f"{word.text} begins with a dash that a text program made of one or two hyphens, so it"
                " is no option; type the hyphens again",
                _word(index),
                warning=True,
            )
        elif "\u00a0" in word.text:
            yield Note(
                "typographic-blank",
                f"{word.text!r} holds a blank that does not break, which no shell takes for a blank;"
                " type it again",
                _word(index),
                warning=True,
            )
        elif set(word.text) & set("\u201c\u201d\u201e\u2018\u2019"):
            yield Note(
                "typographic-quote",
                f"{word.text} holds curved quotes, which no shell takes for quotes; type them again",
                _word(index),
                warning=True,
            )


def _swallowed(known: Known) -> Iterator[Note]:
    """`--name --rm web`: an option that is the value of another."""
    for each in known.given:
        if each.value_word is None or each.value_word >= len(known.words):
            continue
        value = known.words[each.value_word].text
        if _as_option(value, known.options) is not None:
            option = known.words[each.word].text
            yield Note(
                "option-as-value",
                f"{value} is taken as the value of {option}, which always takes the next word; give"
                f" {option} its value",
                _word(each.value_word),
                warning=True,
                source=_PFLAG,
            )


_PORTS = late(r"(?:[0-9.]*:)?[0-9-]+:[0-9-]+(?:/(?:tcp|udp|sctp))?\Z")
_VOLUME = late(r"[~./$][^:\s]*:/[^\s]*\Z")
#: NAME:TAG, and no HOST:PORT.
_TAGGED = late(r"[a-z0-9][\w.-]*(?:/[\w.-]+)*:(?:latest|[0-9]+\.[\w.-]+|[\w.-]*[A-Za-z][\w.-]*)\Z")
_PAIR = late(r"[A-Za-z_][A-Za-z0-9_.-]*=")


def _image(known: Known) -> Iterator[Note]:
    """The image is something that is none: most often the value of a boolean or of a lost option."""
    if known.first != "image" or known.image is None:
        return
    index, word = _indexed(known, "image")[0]
    if word.replaced or word.text[:1] in ("\u2013", "\u2014", "\u2212"):
        return
    image = known.image
    before = known.words[index - 1] if index else None
    following = [each.text for _, each in _indexed(known, "command")]
    told = (
        f"{known.program} takes {image or 'an empty word'} for the image, because it is the first"
    )
    told += " word that is neither an option nor an option's value"
    do = ""
    if image in ("true", "false") and before is not None and before.role == "option" and following:
        do = f"; write {before.text}={image}"
    elif _PORTS.match(image):
        do = f"; it looks like ports: write -p {image}"
    elif _VOLUME.match(image):
        do = f"; it looks like a volume: write -v {image}"
    elif _PAIR.match(image):
        do = f"; it looks like a variable: write -e {image}"
    elif not _is_reference(known.program, image):
        lower = image.lower()
        do = "; it is no image reference"
        if parse_reference(lower) is not None and "/" not in image:
            do += f": names are in lower case, {lower}"
    if do:
        yield Note(
            "image-looks-wrong", told + do, _word(index), warning=True, source=_INTERSPERSED_OFF
        )
    elif following and len(following[0]) < 256 and _TAGGED.match(following[0]):
        where = _indexed(known, "command")[0][0]
        yield Note(
            "command-looks-like-image",
            f"{following[0]} looks like an image, but {image} is the image here and {following[0]} the"
            f" first word for the container; if {image} belongs to an option, write both together",
            _word(where),
            source=_INTERSPERSED_OFF,
        )


#: Where podman takes an image from, written before it.
_TRANSPORT = late(
    r"(?:docker|oci|dir|docker-archive|oci-archive|docker-daemon|containers-storage):"
)


def _is_reference(program: str, image: str) -> bool:
    if program.startswith("podman") and _TRANSPORT.match(image):
        return True
    return len(image) < 1024 and parse_reference(image) is not None


#: Words after the image that hardly any program but these would be given.
_TELLING = frozenset(
    "rm publish publish-all detach interactive tty name network net restart privileged cap-add"
    " cap-drop env-file add-host entrypoint init gpus mount tmpfs shm-size security-opt".split()
)


def _after_image(known: Known) -> Iterator[Note]:
    """`docker run web -p 80:80`: an option behind the image is the container's."""
    if known.first not in ("image", "service", "rootfs"):
        return
    words = _indexed(known, "command")
    if not words or words[0][1].text.rpartition("/")[2] in ("docker", "podman", "kubectl"):
        return
    leading = words[0][1].text.startswith("-")
    # Who chooses the program gives it options, too.
    chosen = any(each.option.meant == "entrypoint" for each in known.given)
    for number, (index, word) in enumerate(words):
        text = word.text
        found = _as_option(text, known.options)
        following = words[number + 1][1].text if number + 1 < len(words) else ""
        if found is None or text == "--":
            if not leading:
                continue
            break
        option, inside = found
        value = inside or following
        sure = (
            option.name in ("publish", "volume", "env")
            and bool({"publish": _PORTS, "volume": _VOLUME, "env": _PAIR}[option.name].match(value))
        ) or (text in ("--rm", "-it", "-ti", "-itd", "-dit"))
        first = leading and number == 0 and text.startswith("--") and not chosen
        sure = sure or (first and option.name in _TELLING)
        if not sure and not first:
            continue
        if option.name in ("help", "version"):
            break
        what = f"{text} {following}" if option.takes_word and not inside and following else text
        kind = {"service": "service", "rootfs": "folder"}.get(known.first, "image")
        if sure:
            told = f"{what} stands after the {kind}, so {known.program} hands it to the container"
            told += f" as words of its command; write it before the {kind}"
        else:
            told = (
                f"{what} is an option of {known.program} too, but after the {kind} it goes to the"
            )
            told += (
                f" container; if {known.program} is meant to have it, write it before the {kind}"
            )
        yield Note("option-after-image", told, _word(index), warning=sure, source=_INTERSPERSED_OFF)


def _as_option(text: str, options: OptionSet) -> tuple[Option, str] | None:
    """The (first) option that a word would be, and the value in it; None when it is none."""
    if text.startswith("--"):
        name, _, value = text[2:].partition("=")
        option = options.named(name)
        return None if option is None else (option, value)
    if len(text) < 2 or not text.startswith("-"):
        return None
    option = options.letters.get(text[1])
    if option is None:
        return None
    if option.takes_word:
        return option, text[2:].removeprefix("=") if len(text) > 3 else text[2:]
    if any(letter not in options.letters for letter in text[1:].partition("=")[0]):
        return None
    return option, ""


def _entrypoint(known: Known) -> Iterator[Note]:
    found = [each for each in known.given if each.option.meant == "entrypoint"]
    if not found or known.program.startswith(("docker compose", "docker-compose")):
        return
    last = found[-1]
    value, where = last.value, _word(last.word if last.value_word is None else last.value_word)
    try:
        listed = json.loads(value)
    except (ValueError, RecursionError):
        listed = None
    if isinstance(listed, list):
        if known.program.startswith("docker"):
            program, *args = [str(item) for item in listed] or ["PROGRAM"]
            yield Note(
                "entrypoint-json-docker",
                f"{known.program} takes {value} for the name of one program; only podman reads a list"
                f" there. {_instead(known, program, args)}",
                where,
                warning=True,
                source=_ENTRYPOINT_WORD,
            )
        return
    if len(value.split()) > 1 and "$" not in value and "`" not in value:
        try:
            program, *args = shlex.split(value)
        except ValueError:
            program, *args = value.split()
        yield Note(
            "multi-word-entrypoint",
            f"{known.program} takes {value!r} for the name of one program, with the blanks in it."
            f" {_instead(known, program, args)}",
            where,
            warning=True,
            source=_ENTRYPOINT_WORD,
        )


def _instead(known: Known, program: str, args: Sequence[str]) -> str:
    rest = [word.text for _, word in _indexed(known, "command")]
    subject = known.image or "IMAGE"
    behind = shlex.join([subject, *args, *rest])
    return f"Write --entrypoint {shlex.quote(program)} and the rest behind the image: {behind}"


def _one_word(known: Known) -> Iterator[Note]:
    """`docker run web "ls -l"`."""
    words = _indexed(known, "command")
    if known.first == "name" or len(words) != 1:
        return
    if any(each.option.meant == "entrypoint" for each in known.given):
        return
    index, word = words[0]
    parts = word.text.split()
    if len(parts) > 1 and not word.replaced and re.fullmatch(r"[\w./-]+", parts[0]):
        yield Note(
            "multi-word-command",
            f"{word.text!r} is one word: where the image has no ENTRYPOINT it is the name of the"
            " program, blanks and all. Leave the quotes out, or write sh -c before it",
            _word(index),
            source="moby/moby daemon/commit.go (merge)",
        )


def _pod(known: Known) -> Iterator[Note]:
    if known.program != "kubectl run":
        return
    if any(each.option.meant == "overrides" for each in known.given):
        yield Note(
            "overrides-not-read",
            "--overrides may replace the image, the command and the arguments of the pod; what it"
            " holds is not read here",
            source="kubernetes/kubectl pkg/cmd/run/run.go (createGeneratedObject)",
            status="source-read",
        )
    if not any(word.role == "end" for word in known.words) and _indexed(known, "command"):
        yield Note(
            "no-dashes",
            "without -- before the container's words, kubectl takes those that begin with a hyphen"
            " for its own options; write -- before them",
            _word(_indexed(known, "command")[0][0]),
        )
    commands = [each for each in known.given if each.option.meant == "command"]
    if commands and commands[-1].value == "true" and not _indexed(known, "command"):
        yield Note(
            "command-without-words",
            "--command only says what the words behind -- are, and there are none; it changes nothing",
            _word(commands[-1].word),
            warning=True,
        )


def decides(program: str, word: LineWord) -> bool:
    """Whether argv depends on what a word is, apart from how many it is."""
    options = {"entrypoint", "init", "rootfs"}
    if program == "kubectl run":
        options = {"command", "env", "image"}
    return word.role in _DECIDING or bool(options & set(word.options))


_DECIDING = frozenset({"image", "service", "rootfs", "name", "command"})


def _shell(known: Known) -> Iterator[Note]:
    replaced = [(index, word) for index, word in enumerate(known.words) if word.replaced]
    deciding = [each for each in replaced if decides(known.program, each[1])]
    others = [each for each in replaced if each[1].splits and each not in deciding]
    if deciding:
        pieces = _pieces([word for _, word in deciding])
        several = (
            "; it may come to several words or none"
            if any(word.splits for _, word in deciding)
            else ""
        )
        yield Note(
            "argv-depends-on-shell",
            f"your shell replaces {pieces} before {known.program} sees it{several}. It stands here as it"
            " was typed, as one word; quote it with ' to hand it to the container",
            _word(deciding[0][0]),
            source="POSIX Shell Command Language, 2.6",
        )
    if others:
        told = (
            f"your shell replaces {_pieces([word for _, word in others])}, not in double quotes: if it"
            " comes to several words or none, the words after it mean something else"
        )
        yield Note(
            "shell-expansion", told, _word(others[0][0]), source="POSIX Shell Command Language, 2.6"
        )
    if known.before:
        yield Note(
            "other-commands",
            f"before it your shell runs {known.before[0]!r}"
            + (f" and {len(known.before) - 1} more" if len(known.before) > 1 else ""),
        )
    operator, following = known.operator, known.following.strip().split("\n")[0]
    if operator and operator not in ("\n", ")") and (following or operator == "&"):
        told = f"{operator} ends the command: {following!r} is your shell's, outside the container"
        if operator == "&":
            told = "& puts the command into your shell's background; it is no word of it"
        elif _indexed(known, "command") and operator in ("&&", "||", ";", "|"):
            told += ". To have it inside, quote the whole: sh -c '...'"
        yield Note("shell-operator", told, source="POSIX Shell Command Language, 2.9")
    elif following and operator == "\n":
        yield Note("other-commands", f"the line after it, {following!r}, is not read")
    if known.redirections:
        yield Note(
            "shell-redirection",
            f"{', '.join(known.redirections)} is your shell's: it moves the streams of"
            f" {known.program.split()[0]}, and is no word of the command",
            source="POSIX Shell Command Language, 2.7",
        )


def _pieces(words: Sequence[LineWord]) -> str:
    found = dict.fromkeys([piece for word in words for piece in word.replaced])
    return ", ".join(found)
