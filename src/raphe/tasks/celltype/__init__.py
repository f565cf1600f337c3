"""Is a neuron of the dorsal raphe serotonergic? A verdict from 4 ms of its spikes."""
