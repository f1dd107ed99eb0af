"""Run one search: retrieve, score, personalise, explain. Imports neither `recommend` nor `serving`."""
