"""From the configuration's model providers to how a request to them is authenticated."""
