"""Order rows: diversity, exploration, tree ensembles. Pure numpy, shared by search and recommend; imports no other
package of ours.
"""
