"""Layout, design rules and the compiler."""
