"""`check-client`: the server's side of scripted conversations, for authors of editor clients."""
