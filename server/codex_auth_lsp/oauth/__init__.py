"""The mechanics of OAuth 2.0, one module an RFC: builders of requests and judges of replies.

Everything here is pure but `http`, the only module that imports httpx.
"""
