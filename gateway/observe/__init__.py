"""What ops see: counters, the access and audit logs, and the program's own messages."""
