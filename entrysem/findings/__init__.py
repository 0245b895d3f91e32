"""What is worth telling the author about a resolution, and how to mend it.

`model` says what a finding is.
"""
