"""Tests for other tools, generated from what a Dockerfile's image should be."""
