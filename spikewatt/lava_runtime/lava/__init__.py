"""Real Lava processes on Loihi2SimCfg."""
