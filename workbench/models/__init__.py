"""Models in: loading, quantizing, and the names of what can be adapted."""
