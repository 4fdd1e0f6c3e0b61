"""Loops over people and visits, compiled by Numba: what a day's mechanisms spend their time on."""
