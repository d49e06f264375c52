"""Carriers and calls. No speech, no flows."""
