"""The ERP-neutral core behind every endpoint: login, refresh, logout, and who may ask for them."""
