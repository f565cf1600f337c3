"""Tracked runs and registered models: which there are, what may go, who is champion."""
