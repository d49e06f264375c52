"""Whole calls on this machine: a real server, simulated carriers and people."""
