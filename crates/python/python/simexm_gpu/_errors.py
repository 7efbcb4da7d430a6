"""Exceptions and warnings. Every text says what is wrong and what would be right."""

__all__ = ["ConfigurationError", "FileError", "RunError", "SimexmError", "SimexmWarning"]


class SimexmError(Exception):
    """Whatever the package raises by itself."""


class ConfigurationError(SimexmError, ValueError):
    """A configuration or an argument is wrong. Lists all that was found, one per line."""


class FileError(SimexmError, OSError):
    """A file cannot be read or written."""


class RunError(SimexmError, RuntimeError):
    """A run failed: a device, memory, or a defect."""


class SimexmWarning(UserWarning):
    """Something that should be looked into, such as an image that will be blank."""
