"""The workspace: every result is stored under the key of what it was made from, whole or not at all."""
