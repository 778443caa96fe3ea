"""The catalogue of administrative procedures (thủ tục hành chính).

The starter catalogue ships as data in this room and answers by national code, provincial suffix forms included; every
figure carries its certainty.
"""
