"""Spikefinder-Elephant (Rupprecht and Gerhard 2017): network, data, training, embedding."""
