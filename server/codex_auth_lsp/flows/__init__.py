"""One module per login method, and what the browser method shows and listens on."""
