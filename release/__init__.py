"""A version made and checked: wheel, source, wheelhouse, bill of materials, licences. See docs/release.md."""
