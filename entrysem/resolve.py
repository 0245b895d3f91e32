"""The one function: a Dockerfile (or an image config) and a run -> argv, and why.

`resolve` calls the core in its order: build, merge, and the shell's reading when it is asked for.
`build_image` and `Image.run` are the same in two halves, for one build and many runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from entrysem.behaviour import BuilderBehaviour
from entrysem.build import BaseLookup, Built, build
from entrysem.dockerfile import Dockerfile, parse_dockerfile
from entrysem.dockerfile.directives import detect_syntax
from entrysem.dockerfile.text import decode
from entrysem.merge import merge
from entrysem.model import (
    Base,
    ImageConfig,
    Inherited,
    RunOptions,
    StartError,
    Step,
    Words,
    is_known,
)
from entrysem.profiles import Profile, builder_behaviour, frontend_engine
from entrysem.reading import with_reading
from entrysem.shell import ShellView, effective, shell_view
from entrysem.trace import Note, Trace, steps

__all__ = ["Image", "Resolution", "build_image", "resolve"]

_OTHER_FRONTEND = "another frontend, {0}, reads the file"
_DEFAULT = Profile()
_DEFAULT_RUN = RunOptions()
_NO_ARGS: Mapping[str, str] = {}


class Image:
    """A built image: its config, where it comes from, and what it would run.

    Attributes:
        profile: the builder and runtime.
        dockerfile: the parsed file, or None when an image config was given.
        built: the build's outcome, or None when an image config was given.
        config: the image config.
        base: the image itself, with who knew it, when a `Base` was given; else None.
    """

    __slots__ = ("_trace", "base", "built", "config", "dockerfile", "profile")

    def __init__(
        self,
        profile: Profile,
        config: ImageConfig,
        dockerfile: Dockerfile | None = None,
        built: Built | None = None,
        base: Base | None = None,
    ) -> None:
        self.profile = profile
        self.base = base
        self.config = config
        self.dockerfile = dockerfile
        self.built = built
        self._trace: Trace | None = None

    @property
    def trace(self) -> Trace:
        """The notes of reading and building, for `trace.steps`; made when somebody asks."""
        if self._trace is None:
            self._trace = []
            if self.built is not None and self.dockerfile is not None:
                self._trace = with_reading(self.built.trace, self.dockerfile)
        return self._trace

    def run(self, options: RunOptions = _DEFAULT_RUN) -> Resolution:
        """What this run of the image comes to.

        Raises:
            InputError: the options are not legal at that runtime's command line.
        """
        trace: Trace = []
        words, error = merge(self.config, options, self.profile.runtime_behaviour, trace)
        return Resolution(self, options, words, error, trace)


class Resolution:
    """The answer for one run.

    Attributes:
        image: the image that runs.
        options: what was typed.
        words: argv with `Inherited` where it is not known; None when the container is not created.
        error: why it does not start, or None. With phase `start`, `words` is still the argv.
    """

    def __init__(
        self,
        image: Image,
        options: RunOptions,
        words: Words,
        error: StartError | None,
        trace: Trace,
    ) -> None:
        self.image = image
        self.options = options
        self.words: Words = words
        self.error: StartError | None = error
        self._trace = trace

    def __repr__(self) -> str:
        return f"<Resolution: {self.words if self.words is not None else self.error}>"

    @property
    def argv(self) -> tuple[str, ...] | None:
        """The argv, or None when there is none or it is not wholly known."""
        words = self.words
        if words is None or not is_known(words):
            return None
        return tuple([word for word in words if isinstance(word, str)])

    @property
    def unknown(self) -> tuple[Inherited, ...]:
        """The parts of `words` that are not known, without repetition."""
        return tuple(dict.fromkeys([w for w in self.words or () if isinstance(w, Inherited)]))

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Sentences that the answer rests on, though nobody has shown them to be true."""
        built = self.image.built
        if built is None or self.options.entrypoint:
            return ()
        by_cmd = () if self.options.args else built.cmd_assumptions
        return by_cmd + built.reading_assumptions

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every rule that was applied, in order: reading and building, then merging."""
        return steps(self.image.trace, self.image.dockerfile) + steps(self._trace, None)

    @property
    def rules(self) -> tuple[str, ...]:
        """Ids of the rules applied, in order of first use."""
        found = [note[0] for note in (*self.image.trace, *self._trace)]
        if (view := self.shell) is not None:
            found += view.rules
        elif self.argv and self.error is None:
            found.append("SHELL-05")
        if self.error is not None:
            found.append(self.error.rule)
        return tuple(dict.fromkeys(found))

    @cached_property
    def shell(self) -> ShellView | None:
        """How a shell reads the argv, when the program is a shell with -c."""
        argv = self.argv
        if argv is None or self.error is not None:
            return None
        view = shell_view(argv[self._init_length :])
        if view is not None and self.options.init:
            view = view._replace(init=argv[0])
        return view

    @property
    def effective(self) -> tuple[str, ...] | None:
        """Argv without the words that a shell script ignores; None when argv is."""
        argv = self.argv
        if argv is None:
            return None
        length = self._init_length
        return argv[:length] + effective(argv[length:])

    @property
    def _init_length(self) -> int:
        return len(self.image.profile.runtime_behaviour.init_prefix) if self.options.init else 0


def build_image(
    source: Dockerfile | ImageConfig | Base | str | bytes,
    *,
    profile: Profile = _DEFAULT,
    target: str | None = None,
    build_args: Mapping[str, str] = _NO_ARGS,
    bases: BaseLookup | Mapping[str, ImageConfig] | None = None,
    platform: str = "linux/amd64",
) -> Image:
    """Builds the image config.

    Args:
        source: a Dockerfile, parsed or as text; or an image config, or the config of a known image,
            which need no build.
        profile: which builder and runtime.
        target: stage to build, or None for the last.
        build_args: `--build-arg` values.
        bases: base image -> config; a mapping, or a function that returns None for an unknown one.
            Without it every image but `scratch` is unknown.
        platform: `os/architecture`.

    Raises:
        DockerfileError: the builder rejects the Dockerfile.
    """
    behaviour = profile.builder_behaviour
    if isinstance(source, Dockerfile):
        text, asked = source.source, source.syntax
    elif isinstance(source, ImageConfig):
        return Image(profile, source)
    elif isinstance(source, Base):
        return Image(profile, source.config, base=source)
    else:
        text = decode(source)
        asked = detect_syntax(text)
    if build_args:
        asked = build_args.get("BUILDKIT_SYNTAX") or asked
    handed: Note | None = None
    if asked is not None and behaviour.frontends == "follows":
        behaviour, handed = _frontend(asked, behaviour)
    if not isinstance(source, Dockerfile) or source.grammar is not behaviour.grammar:
        source = parse_dockerfile(text, grammar=behaviour.grammar)
    lookup = _unknown if bases is None else _lookup(bases)
    built = build(source, behaviour, target, build_args, lookup, platform)
    if handed is not None:
        built.trace.insert(0, handed)
        if handed[5] == _OTHER_FRONTEND:
            assumed = f"the frontend {handed[6][0]} reads the file as BuildKit's own does"
            built.reading_assumptions = (*built.reading_assumptions, assumed)
    return Image(profile, built.config, source, built)


def _frontend(image: str, behaviour: BuilderBehaviour) -> tuple[BuilderBehaviour, Note]:
    """The behaviour of the frontend that is asked for, and the note that tells so."""
    engine = frontend_engine(image)
    if engine is None:
        return behaviour, ("FORM-03", "form", None, None, None, _OTHER_FRONTEND, (image,), None)
    told = "the frontend {0} reads the file, as {1} does"
    note: Note = ("FORM-03", "form", None, None, None, told, (image, str(engine)), None)
    return builder_behaviour(engine), note


def resolve(
    source: Dockerfile | ImageConfig | Base | str | bytes,
    run: RunOptions = _DEFAULT_RUN,
    *,
    profile: Profile = _DEFAULT,
    target: str | None = None,
    build_args: Mapping[str, str] = _NO_ARGS,
    bases: BaseLookup | Mapping[str, ImageConfig] | None = None,
    platform: str = "linux/amd64",
) -> Resolution:
    """What a container gets as its argv, and why. Arguments and errors as `build_image` and
    `Image.run`.
    """
    image = build_image(
        source,
        profile=profile,
        target=target,
        build_args=build_args,
        bases=bases,
        platform=platform,
    )
    return image.run(run)


def _unknown(image: str) -> Base | None:
    del image
    return None


def _lookup(bases: BaseLookup | Mapping[str, ImageConfig]) -> BaseLookup:
    if isinstance(bases, Mapping):
        configs = bases
        return lambda image: Base(configs[image]) if image in configs else None
    return bases
