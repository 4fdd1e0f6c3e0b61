"""Right answers and usual wrong ones, one module an exercise; never in a trainee's notebook."""
