"""Measurements that compare; tests check, benchmarks measure."""
