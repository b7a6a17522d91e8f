"""The candidate's process: it holds a submission and the engine, and nothing that judges.

It is all of the grader that a submission could ever see. It imports `saga_lab` alone.
"""
