"""Words to meanings and numbers: spelling, sound, negation, in three languages."""
