"""The example brand: real purchases of the Complete Journey panel, with a clock that stands in their past."""
