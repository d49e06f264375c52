"""From recorded calls to an agent's voice."""
