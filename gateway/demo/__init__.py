"""The demo ERP, its data, and the guide that `gateway demo` prints."""
