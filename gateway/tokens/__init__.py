"""What is issued and how it is recognised again: JWT and opaque tokens, their keys, policies and verified copies."""
