"""The benchmarks: `python -m benchmarks [NAME...] [--quick]`.

Each module measures one thing: both sides in the same run, in turn, several rounds; what is compared
is the median of the rounds' ratios, in CPU time, so that a busy machine disturbs little. Nothing here
is a test: numbers are read by people, and only `fuzz` can fail.
"""
