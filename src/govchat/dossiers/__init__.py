"""Dossiers (hồ sơ): what the one-stop systems push and what citizens look up.

Codes in every typed shape, status events, and look-up that reveals no more than was proven.
"""
