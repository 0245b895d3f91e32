"""What entrysem found, in the formats that people and programs read. One module a format."""
