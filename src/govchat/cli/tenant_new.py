"""`govchat tenant new`: a folder to fill in, and what to do next."""

from pathlib import Path

import click

from govchat.cli.manifests import tenants_option


@click.command()
@click.argument("slug")
@tenants_option(default=Path("tenants"), show_default=True, help="The folder of the manifests.")
@click.option("--app", metavar="NAME", help="The shared Zalo app to join; left out, the province has its own.")
def new(slug: str, tenants: Path, app: str | None) -> None:
    """Write a commented folder for the new tenant SLUG, with places to fill in.

    What is known of the 34 provinces stands there already. `govchat tenant check SLUG` names every place that is still empty. Needs
    no running stack.
    """
    from govchat.tenants.manifest import read_all
    from govchat.tenants.scaffold import former_unit, scaffold

    sharing = [each for each in read_all(tenants).manifests if app and each.zalo.app == app] if tenants.is_dir() else []
    made = scaffold(tenants, slug, app=app, app_id=sharing[0].zalo.app_id if sharing else None)
    for path in made.files:
        click.echo(f"đã tạo {path}")
    successor = former_unit(slug)
    if successor is not None:
        click.echo(f'lưu ý: "{slug}" là đơn vị cũ, nay thuộc {successor}; chỉ giữ thư mục này nếu thật sự cần')
    where = "" if tenants == Path("tenants") else f" --tenants {tenants}"
    click.echo("\nViệc tiếp theo:")
    click.echo(f"  1. Điền các chỗ trong ngoặc nhọn của {tenants / slug / 'tenant.toml'}")
    click.echo(f"  2. govchat tenant check {slug}{where}")
    click.echo(f"  3. govchat tenant apply {slug}{where}")
    click.echo(f"  4. govchat secret set {slug} app-secret")
    click.echo(f"  5. govchat secret set {slug} oa-secret")
    click.echo(f"  6. govchat tenant connect {slug}")
    click.echo(f"  7. govchat tenant rehearse {slug}")
