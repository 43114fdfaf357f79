"""Tables of detection scores and of the agreement between readers."""

from typing import Any

from rich.table import Table
from rich.text import Text

from config.work import DetectionConfig
from service.cli.consoles import results

SHORTEST_NAME = 6


def print_evaluation(document: dict[str, Any], policy: DetectionConfig) -> None:
    """Print the document of `ilemtrack evaluate`."""
    table = Table(box=None, pad_edge=False, show_header=False)
    frames, cells, found = document["frames"], document["true_cells"], document["found_cells"]
    over, empty = document["imaged_over_cells"], document["empty_imaged_fraction"]
    for what, figure in (
        ("frames", f"{frames}, {document['empty_frames']} of them without cells"),
        ("cells", f"{cells} in the truth, {found} found"),
        ("as found, undilated", ""),
        ("mean Dice of the detections, D_det", _percent(document["dice_found"])),
        ("mean Dice of the true cells, D_GT", _percent(document["dice_truth"])),
        ("recall, D > 0.5", _percent(document["recall"])),
        ("precision, D > 0.5", _percent(document["precision"])),
        ("as imaged, with margin", ""),
        ("cells imaged whole (99 % of their pixels)", _percent(document["contained_recall"])),
        ("cells missed or cut", f"{document['missed_cells']} of {cells}"),
        ("imaged area over cell area", "-" if over is None else f"{over:.2f}"),
        ("imaged share of the frames", _percent(document["imaged_fraction"])),
        ("imaged share of frames without cells", _percent(empty)),
        (
            "the whole session, as planned",
            f"{document['operating_point']['session_h']:.3g} h; a full raster takes"
            f" {document['raster_session_h']:.3g} h",
        ),
    ):
        # A line without a figure is a heading.
        table.add_row(Text(what, style="" if figure else "bold"), figure)
    results.print(table)
    if document["groups"]:
        results.print(
            "\nBy kind of cell: found with D > 0.5, imaged whole, imaged by half, imaged share of the area"
        )
        results.print(_group_table(document["groups"]))
    if document["reliability"]:
        results.print("\nConfidence of hits against the share that are cells (95 % interval)")
        results.print(_reliability_table(document["reliability"]))
    floor = f"{policy.min_confidence:g}"
    results.print(
        f"\nMissed cells and hours of the session by margin (hits with a confidence of at least {floor})",
        soft_wrap=True,
    )
    results.print(_curve_table(document, policy))


def _group_table(groups: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("kind of cell", no_wrap=True)
    for heading in ("number", "recall", "whole", "half", "area"):
        table.add_column(heading, justify="right")
    for group in groups:
        shares = (group["recall"], group["contained"], group["half_inside"], group["inside"])
        table.add_row(group["name"], str(group["cells"]), *(_percent(share) for share in shares))
    return table


def _reliability_table(bins: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("confidence", "hits", "mean", "cells", "at least", "at most"):
        table.add_column(heading, justify="right")
    for one in bins:
        shares = (one["mean_confidence"], one["real_share"], one["real_low"], one["real_high"])
        span = f"{one['low']:g} to {one['high']:g}"
        table.add_row(span, str(one["hits"]), *(_percent(share) for share in shares))
    return table


def _curve_table(document: dict[str, Any], policy: DetectionConfig) -> Table:
    table = Table(box=None, pad_edge=False)
    by_quantile = len({point["side_quantile"] for point in document["curve"]}) > 1
    size, name = ("side_quantile", "quantile") if by_quantile else ("margin_um", "margin / um")
    for heading in (name, "cells missed", "of all cells", "session / h", "of a full raster"):
        table.add_column(heading, justify="right")
    nearest = min(
        {p["min_confidence"] for p in document["curve"]}, key=lambda f: abs(f - policy.min_confidence)
    )
    for point in document["curve"]:
        if point["min_confidence"] == nearest:
            share = point["session_h"] / document["raster_session_h"]
            table.add_row(
                f"{point[size]:g}",
                str(point["missed_cells"]),
                _percent(point["missed_share"]),
                f"{point['session_h']:.3g}",
                _percent(share),
            )
    return table


def print_experts(document: dict[str, Any]) -> None:
    """Print the document of `ilemtrack experts`."""
    results.print("Table 1: mean Dice / %; the reader of the row is taken as the truth")
    table = Table(box=None, pad_edge=False)
    numbers = [str(number) for number in range(1, len(document["readers"]) + 1)]
    # Of a long name the beginning is enough; of a figure it is not.
    room = max(results.width - len("  1  cells  group  ") - 5 * len(numbers), SHORTEST_NAME)
    for heading in ("", "reader", "cells", "group", *numbers):
        if heading == "reader":
            table.add_column(heading, no_wrap=True, max_width=room)
        else:
            table.add_column(heading, justify="right", no_wrap=True, min_width=max(len(heading), 3))
    for number, reader, row in zip(numbers, document["readers"], document["dice"], strict=True):
        dices = (_whole_percent(value) for value in row)
        table.add_row(number, reader["name"], str(reader["cells"]), str(reader["group"]), *dices)
    results.print(table)
    between = _percent(document["mean_between_readers"])
    results.print(f"mean between readers: {between} (67.7 % in the paper)")
    detector = document.get("detector")
    if detector is None:
        return
    results.print("\nTables 2 and 3: the detector against each reader")
    second = Table(box=None, pad_edge=False)
    for heading in ("reader", "Dice", "recall", "precision"):
        second.add_column(heading, justify="left" if heading == "reader" else "right")
    for row in [*detector["readers"], {"name": "mean", **detector}]:
        second.add_row(row["name"], *(_percent(row[key]) for key in ("dice", "recall", "precision")))
    results.print(second)


def _whole_percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
