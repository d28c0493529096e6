"""NetSpace ("Learning the Space of Deep Models", ICPR 2022): a space of trained networks."""
