"""Pipecat frame processors, one file each, named after what they do to a call."""
