"""The conformance suite: entrysem's vectors against real engines, and the lab that starts those."""
