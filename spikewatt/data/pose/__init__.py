"""Key points of pose networks: what their JSON files hold, and clips made of it."""
