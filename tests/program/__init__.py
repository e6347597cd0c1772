"""Program files and their rules."""
