"""Broadcasts to the citizens of one province: drafted, estimated, approved by a second person, then fanned out and counted.

Drafts come from the API and the command line; the fan-out turns an approved one into outbox rows, page by page. Labels of citizens and
uploaded lists, from which audiences are made, are kept here too.
"""
