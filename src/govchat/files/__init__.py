"""Files: what citizens and offices send along, photos and PDFs, kept in object storage (a local folder, or S3 in production).

In: bytes, or an address at Zalo's picture host. Kept here: what they really are, freed of where and with what they were taken, sealed under
the province's key; whose they are and how long. Out: the same bytes, to the room that owns them.
"""
