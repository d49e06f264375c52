"""A carrier and a telephone that keep the providers' protocols, for tests and demonstrations.

Nothing here uses the bot's own codec or message code: what the bot sends is judged by a second
reading of the provider's documents.
"""
