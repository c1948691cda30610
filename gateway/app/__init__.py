"""Process life: one process or a supervisor with workers, listeners, signals, reload, restart and graceful drain."""
