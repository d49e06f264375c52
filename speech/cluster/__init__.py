"""The same engines on Ray Serve: replicas that come and go, on one machine or on many.

    client -> the speech server's own application (the ingress) -> replicas of each engine

The ingress is `speech.server.app`, so clients find the same HTTP and websocket interface; its
engines are handles to replicas (`remote_engines.py`). An engine's replicas hear in batches, speak
as streams, and are chosen by the voices that they hold already (`replicas.py`).
"""
