"""The figures of docs/book: drawn by scripts/figures from what the running kernel and its page tables hold, never by hand.

machine.py gets the numbers, svg.py knows how to draw; map.py, boot.py, frames.py, lowmem.py, vmalloc.py, half.py, dma.py, cow.py, entry.py
and proof.py each have one figure, `draw(seen)`. They take every address and count from `seen`; only the layout is theirs.
"""
