"""The papers' tables and figures beside ours: entries (data files under presets/papers), what is at hand for them, exports."""
