"""An address explained: `attic explain`, the counterpart of kernel/view/explain.c."""
