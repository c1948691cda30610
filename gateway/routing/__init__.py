"""Which route or endpoint a request belongs to, judged on one canonical path that no ERP can read differently."""
