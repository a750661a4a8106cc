"""The user's configuration: where Codex lives on this machine, `config.toml`, the issuer."""
