"""The speech server: the engines of this package behind OpenAI's audio API, in an own process.

It imports no Pipecat and nothing of the other rooms, so that an engine whose packages agree with
nobody's can be served from an environment of its own.
"""
