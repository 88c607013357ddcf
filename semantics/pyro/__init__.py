"""Models as Pyro programs: one `pyro.sample` site for each variable, exact enumeration, sampling, inference from data.

The modules of this package import torch and Pyro, which are an optional extra (`pip install 'cutwire[pyro]'`). Nothing
outside of it imports them before they are needed.
"""
