"""Tests of the consulate locator."""
