"""Serial dependence: does an answer depend on the trial before?"""
