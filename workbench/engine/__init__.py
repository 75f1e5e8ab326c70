"""The engine: loops that consume rows and yield events. It knows neither the store nor any eval."""
