"""The course server: learners hand in over HTTP, what they hand in is graded, and each sees their own."""
