"""An address explained: `attic explain`, the twin of kernel/view/explain.c."""
