"""What `entrysem diff` prints: a module a format. Nothing here decides anything."""
