"""Showing what a network learned: pictures, charts and the page."""
