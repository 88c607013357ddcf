"""The language: grammar, syntax tree, elaboration into `strings`, diagnostics, formatter; and other formats (BIF)."""
