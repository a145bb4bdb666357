"""The labs: labs/NN-NAME/ is one. lab.py reads it, tree.py makes a student's tree, grade.py grades one."""
