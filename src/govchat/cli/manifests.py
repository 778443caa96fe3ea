"""Reading the manifests for a command: the whole folder, checked, with the other files of each tenant."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govchat.errors import ConfigurationError

if TYPE_CHECKING:
    from govchat.tenants.manifest import Book, Finding

tenants_option = partial(click.option, "--tenants", type=click.Path(path_type=Path), envvar="GOVCHAT_TENANTS_DIR")


def read(folder: Path, slug: str | None) -> "Book":
    """Every manifest; raises `ConfigurationError` when SLUG is not among the folders."""
    from govchat.tenants.manifest import read_all

    if slug is not None and folder.is_dir() and slug not in {home.name for home in folder.iterdir() if home.is_dir()}:
        raise ConfigurationError(
            f'"{slug}" chưa có thư mục trong {folder}: tệp cấu hình phải nằm ở {folder / slug}/tenant.toml, '
            f"tạo bằng: govchat tenant new {slug}"
        )
    return read_all(folder)


def all_findings(folder: Path, book: "Book") -> "list[Finding]":
    """What is wrong in the manifests and in the other files beside them, by file and line."""
    from govchat.onboarding.part_files import check_folders

    return sorted([*book.findings, *check_folders(folder)], key=lambda found: (found.file, found.line, found.key))


def sound(folder: Path, slug: str | None) -> "Book":
    """The manifests without any mistake; prints each one and raises `ConfigurationError` when there are some."""
    book = read(folder, slug)
    findings = all_findings(folder, book)
    for found in findings:
        click.echo(str(found), err=True)
    if findings:
        raise ConfigurationError("chưa áp dụng gì: sửa các chỗ trên trước")
    return book
