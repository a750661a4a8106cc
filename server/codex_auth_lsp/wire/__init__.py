"""The wire contract of `protocol.md` as declarations: method names and pydantic models.

It imports nothing of ours and decides nothing. `methods` is free of pydantic, so that the start
of a window does not pay for it.
"""
