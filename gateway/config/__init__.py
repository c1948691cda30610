"""The configuration: one YAML file, its meaning as frozen models, and every problem in it with its place."""
