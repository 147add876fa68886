"""Caliper events, made directly of tracking events."""
