"""Several processes that share one port, its calls and the places for them."""
