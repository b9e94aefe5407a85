"""What operations delete and can give back.

Finished flow runs are hidden at once (`hiding.py`) and marked as deleted later (`settler.py`); everything else is
marked at once (`marking.py`). Nothing is removed for good here.
"""
