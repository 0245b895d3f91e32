"""Compose files: each service is a `Subject`.

    project   which files, which environment, which services
    load      files, `extends` and `include` -> services
    tree      what is kept of a file, and how two become one
    template  `${NAME:-default}`
    dotenv    `.env`
    services  a service -> a subject
    detect    whether a file is a Compose file

Nothing here knows what an entrypoint does to a command: that is `entrysem.merge`, runtime `compose`.
"""

from entrysem.inputs.compose.detect import is_compose
from entrysem.inputs.compose.project import read_compose

__all__ = ["is_compose", "read_compose"]
