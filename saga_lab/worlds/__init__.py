"""The simulated services of each exercise."""
