"""Messages of the API, as pydantic models."""
