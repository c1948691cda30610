"""The one store behind every token and session, its invalidation feed, and the private server that can hold it."""
