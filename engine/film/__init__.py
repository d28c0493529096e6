"""Films of a walk: what is walked (walk.py), what is drawn (sheet.py, in the colours of look.py), files of it (files.py).

A task draws its own: `Task.film` gives a `Reel`. Frames are drawn with Pillow alone; nothing here needs torch.
"""
