"""Tests of the conformance suite that need no engine."""
