"""What the folder of examples holds."""
