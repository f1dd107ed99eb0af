"""Run one night: plan, collect, count, learn, judge, publish.

Imports every other package of the trainer but `replay`.
"""
