"""Which run is better, and why: tests of groups of runs, what they found on record, and the settings that mattered.

`Lake` has a method for each. A subject is a file; they rest on `selection`, which says whose values are meant, and
compute with SciPy and scikit-learn, imported when they are needed.
"""
