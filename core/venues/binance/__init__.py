"""Binance, spot. The evidence for what is written here is in README.md."""
