"""How things are learnt: what every training shares."""
