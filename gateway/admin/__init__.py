"""The second listener: health, metrics and the admin API."""
