"""Values and rules of sign-in, pure: no input or output, no asyncio, no pygls, no httpx."""
