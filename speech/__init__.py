"""Engines that hear and speak: audio in, text out, and back. No frames, no phone."""
