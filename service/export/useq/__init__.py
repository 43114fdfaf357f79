"""Sequences for programs that acquire by useq-schema, such as pymmcore-plus."""
