"""Parts of networks without spikes. Clips come as (N, M, C, V, F); inside it is (N, C, F, V)."""
