"""Every table of the house in one place to import: Alembic, the drift check and the isolation tests read the metadata here."""

import importlib
import pkgutil

from sqlalchemy import MetaData

import govchat
from govchat.db.base import Base


def metadata() -> MetaData:
    """The metadata of all tables, after importing each room's `models`."""
    for room in pkgutil.iter_modules(govchat.__path__):
        if room.ispkg:
            names = {module.name for module in pkgutil.iter_modules([f"{govchat.__path__[0]}/{room.name}"])}
            if "models" in names:
                importlib.import_module(f"govchat.{room.name}.models")
    return Base.metadata
