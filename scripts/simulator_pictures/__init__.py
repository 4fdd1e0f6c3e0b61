"""The pictures of docs/simulator.md and docs/simulator/, one function each."""
