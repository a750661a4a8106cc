"""The use cases of sign-in: login, logout, refresh, status, credential.

They know domain, flows, stores and providers, and nothing of JSON-RPC or terminals.
"""
