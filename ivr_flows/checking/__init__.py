"""What a flow is refused for, before any call."""
