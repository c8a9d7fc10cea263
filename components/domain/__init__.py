"""Decisions and maths: no tool names, no network, no clock."""
