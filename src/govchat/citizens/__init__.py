"""People per Official Account: follow state and last interaction.

A citizen (người dân) is known by the id Zalo gives them in one Official Account; the same person is somebody else in another
province.
"""
