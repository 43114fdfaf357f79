"""The layout as people say it."""

from config.layout import GridLayout, ListLayout, fields_left_out


def without(left_out: int) -> str:
    """Words to add to a number of fields, about those that a preview left out; empty if there are none."""
    return f"; a preview left out {left_out} more, which nobody images" if left_out else ""


def counted(layout: GridLayout | ListLayout, sections: int, fields: int) -> str:
    """Sections and fields of a layout: 12 sections with 40 fields; a preview left out 8 more, ..."""
    return f"{sections} sections with {fields} fields{without(fields_left_out(layout))}"
