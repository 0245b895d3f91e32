"""The registry of rules: an id and a title each, declared here and nowhere else in code.

The normative text, its sources and its examples are in `spec/` under the same id; a test holds the
two together. Ids are never reused or renumbered.

`FORM-*` how the text is read, `BUILD-*` how an image config comes about, `MERGE-*` how an argv
comes about, `SHELL-*` what a shell makes of it.
"""

from __future__ import annotations

from typing import NamedTuple

from entrysem.errors import InputError

__all__ = ["RULES", "Rule", "get_rule"]


class Rule(NamedTuple):
    """`id`: `BUILD-02`. `title`: a few words, as in the heading of the spec."""

    id: str
    title: str

    @property
    def document(self) -> str:
        """File under `spec/` that holds the rule's text."""
        return self.id.partition("-")[0].lower() + ".md"


RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        Rule("FORM-01", "A line ends at LF; a BOM and carriage returns at the end are dropped"),
        Rule("FORM-02", "A physical line longer than the limit is rejected"),
        Rule("FORM-03", "Parser directives stand at the top, once each"),
        Rule("FORM-04", "Comment and blank lines inside an instruction are dropped"),
        Rule("FORM-05", "The escape character at a line's end joins the next line"),
        Rule("FORM-06", "Instruction names are known and have no case"),
        Rule("FORM-07", "Leading words with two dashes are flags"),
        Rule("FORM-08", "A JSON array of strings is exec form"),
        Rule("FORM-09", "Everything else is shell form, kept verbatim"),
        Rule("FORM-10", "An array with an element that is no string is rejected"),
        Rule("FORM-11", "Text after the array"),
        Rule("FORM-12", "Strings are decoded as Go decodes JSON"),
        Rule("FORM-13", "Heredocs belong to RUN, COPY and ADD"),
        Rule("FORM-14", "The builder expands no variable in CMD, ENTRYPOINT and SHELL"),
        Rule("FORM-15", "CMD or ENTRYPOINT without arguments"),
        Rule("FORM-16", "SHELL takes a JSON array with at least one word"),
        Rule("FORM-17", "Every instruction's arguments are checked before anything is built"),
        Rule("BUILD-01", "CMD replaces Cmd"),
        Rule("BUILD-02", "ENTRYPOINT empties a Cmd that the stage did not set"),
        Rule("BUILD-03", "ENTRYPOINT replaces Entrypoint"),
        Rule("BUILD-04", "Shell form is the SHELL in force and the text as one word"),
        Rule("BUILD-05", "SHELL replaces Shell for the instructions after it"),
        Rule("BUILD-06", "Without SHELL the platform's shell is used"),
        Rule("BUILD-07", "FROM starts from the base's config"),
        Rule("BUILD-08", "A Dockerfile needs a stage, and instructions belong to one"),
        Rule("BUILD-09", "FROM names an image or an earlier stage"),
        Rule("BUILD-10", "FROM is expanded with the ARGs before the first FROM"),
        Rule("BUILD-11", "ONBUILD stores an instruction for child builds"),
        Rule("BUILD-12", "A base's triggers run first in the child stage"),
        Rule("BUILD-13", "The target is the last stage, or the one that is named"),
        Rule("BUILD-14", "An empty array is no words"),
        Rule("BUILD-15", "What an unknown base brings stays unknown"),
        Rule("BUILD-16", "Stages copy from stages before them, and never in a circle"),
        Rule("MERGE-01", "argv is Entrypoint followed by Cmd"),
        Rule("MERGE-02", "Arguments replace Cmd as a whole"),
        Rule("MERGE-03", "An entrypoint override replaces Entrypoint and drops the image's Cmd"),
        Rule("MERGE-04", "An entrypoint of exactly one empty string is none"),
        Rule("MERGE-05", "An empty list as entrypoint clears Entrypoint and keeps Cmd"),
        Rule("MERGE-06", "Without any word there is nothing to run"),
        Rule("MERGE-07", "How a typed --entrypoint becomes words"),
        Rule("MERGE-08", "An empty argument list is no argument list"),
        Rule("MERGE-09", "The first word must name a program"),
        Rule("MERGE-10", "--init puts a program before argv"),
        Rule("MERGE-11", "Kubernetes' command is the entrypoint and its args are the arguments"),
        Rule("MERGE-12", "Kubernetes expands $(NAME)"),
        Rule("SHELL-01", "The shell takes one script; the words after it are $0, $1 and so on"),
        Rule("SHELL-02", "A script that uses no parameter ignores the words after it"),
        Rule("SHELL-03", "A shell without a script fails"),
        Rule("SHELL-04", "Whether the program replaces the shell depends on script and shell"),
        Rule("SHELL-05", "docker stop signals PID 1"),
    )
}


def get_rule(rule_id: str) -> Rule:
    """The rule with this id, in any case.

    Raises:
        InputError: there is none.
    """
    rule = RULES.get(rule_id.upper())
    if rule is None:
        raise InputError(
            "unknown-rule",
            f"there is no rule {rule_id!r}",
            where="rule id",
            hint="`entrysem rules` lists them",
        )
    return rule
