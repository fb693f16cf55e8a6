"""Benchmarks to trust: contenders do the same work, and are compared only if they did."""
