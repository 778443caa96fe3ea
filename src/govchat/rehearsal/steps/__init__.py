"""The acts of a rehearsal, one module an act, each a function `(stage, sheet)` that does its part and notes what it expected and saw."""
