"""Speed and cost, each figure a ratio against its own ceiling measured in the same run: `make bench`, or `python -m benchmarks NAME`.

Machines are shared and noisy: quote ratios, and run again before believing a change. docs/benchmarks.md holds the figures and what
bounds them.
"""
