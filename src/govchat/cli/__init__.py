"""The `govchat` command: one module per group of commands, each a thin edge over a room."""
