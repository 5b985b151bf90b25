"""Fixtures of the whole suite. Here and nowhere else: imported into a module, a fixture is one of that module, and a
server of the session would be started once for every module."""

from tests.cloud import dynamo, stack, tables

__all__ = ["dynamo", "stack", "tables"]
