"""Questions that engines answer differently, each with the reference's answer.

A subclass lists its questions as annotated class attributes; the value is what the reference
answers. An instance is one engine's answers: the reference's, some of them replaced. It is a class of
a few lines and no dataclass, because a dataclass of thirty fields costs more time at every start of
the program than reading a Dockerfile does.
"""

from __future__ import annotations

from typing import Any, NoReturn, Self

__all__ = ["Answers"]


class Answers:
    """One engine's answers; immutable, and equal only to itself."""

    def __init__(self, **changes: Any) -> None:
        """Takes the answers that differ from the reference's.

        Raises:
            TypeError: there is no such question.
        """
        questions = type(self).questions()
        for name in changes:
            if name not in questions:
                raise TypeError(f"{type(self).__name__} has no {name}")
        # Copied into the instance, where an attribute is found faster than in the class.
        self.__dict__.update(questions, **changes)

    @classmethod
    def questions(cls) -> dict[str, Any]:
        """Name of each question -> the reference's answer."""
        return {name: vars(cls)[name] for name in cls.__annotations__}

    def replace(self, **changes: Any) -> Self:
        """The same answers but for these.

        Raises:
            TypeError: there is no such question.
        """
        return type(self)(**{**self.__dict__, **changes})

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed; replace makes another")
