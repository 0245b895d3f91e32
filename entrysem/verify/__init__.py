"""Judges real builders and runtimes: every expectation of the vectors against what an engine did.

`protocol` has the nouns and the one interface that every engine stands behind, whether it is spoken
to in this process (`engines`) or is a child that answers JSON lines. `plan` says what is expected of
whom, `verdict` compares, `runner` drives, `journal` keeps what was seen, `report` shows it.
"""
