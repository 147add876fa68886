"""Transform events into Caliper events natively."""
