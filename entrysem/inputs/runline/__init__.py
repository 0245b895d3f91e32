"""A command line that starts a container, read as the shell and the program read it.

    docker run -it --rm -p 8080:80 --entrypoint sh acme/web -c "ls"
    program    options                             image    command

Two readers stand between what is typed and what a container gets. The shell makes words of the text
(`shellsplit`); what only a shell can know, `$HOME`, `*`, `$(...)`, stays as it is typed and is marked.
The program then takes its options off the front (`flags`), as the Go library that all of these programs
use does: the first word that is no option ends them, and what follows is the container's. Which word is
an option's value depends on whether that option takes one, so the options are data (`options.json`), for
every released version, taken from the programs' own definitions.

`line.read_run_line` does both and says the role of every word; `mistakes` names what people get wrong;
`show` prints it. What argv comes of it is the engine's to say.
"""

from __future__ import annotations

from entrysem.inputs.runline.line import LineWord, RunLine, read_run_line
from entrysem.inputs.runline.show import explain_words, words_document

__all__ = ["LineWord", "RunLine", "explain_words", "read_run_line", "words_document"]
