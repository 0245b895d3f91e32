"""What was typed or written to start a container, from places other than entrysem's own command line.

Each module reads one kind of input and returns `Subject`s; `subject` says what that is.
"""
