"""What bench/run is made of: rows, contestants, measuring, reporting."""
