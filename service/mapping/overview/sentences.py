"""Sentences for what an overview does not show, or shows doubtfully."""

from detection.overview.values import Doubt, Nothing, ShapeDoubt

NOTHING: dict[Nothing, str] = {
    Nothing.EMPTY: "the overview is empty: all of it has one brightness",
    Nothing.SATURATED: "the overview is saturated: take it again with less light",
    Nothing.BLURRED: "the overview is out of focus: it has no sharp edges; focus and take it again",
    Nothing.NO_SECTIONS: (
        "no sections were found: nothing in the overview has four straight sides and one size;"
        " outline one or two sections and give them with --outline"
    ),
}
DOUBTS: dict[Doubt, str] = {
    Doubt.SIDES: "some of its sides are not seen",
    Doubt.INCOMPLETE: "the substrate shows inside it: it may be torn or folded",
    Doubt.CUT: "the picture or the glass ends there",
    Doubt.OVERLAP: "it overlaps a section that is seen better",
    Doubt.SHAPE: "it is about as large as a section, but has another shape",
}
SHAPE_DOUBTS: dict[ShapeDoubt, str] = {
    ShapeDoubt.PARTS: (
        "each outline may hold several sections or a part of one: look at the overlay, or outline one section"
        " and give it with --outline"
    ),
    ShapeDoubt.ANOTHER: (
        "most of what lies on the substrate has another shape: outline one section and give it with --outline"
    ),
}
"""Sentences about the whole finding."""
