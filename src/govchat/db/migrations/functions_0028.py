"""SQL functions of revision 0028: what a put looks at tells also how the province names statuses, buttons and what stands in for a fact."""

from govchat.db.migrations import functions_0023_puts

_WORDINGS = """ORDER BY kind, version DESC) w),
"""
_PHRASES = """\
        'phrases', (SELECT json_object_agg(p.key, p.text)
                    FROM (SELECT DISTINCT ON (key) key, text FROM tenant_wordings
                          WHERE tenant_id = bound AND split_part(key, '.', 1) IN ('dossiers', 'notices')
                          ORDER BY key, version DESC) p),
"""

FUNCTIONS = (functions_0023_puts.DOSSIERS_PUT_LOOK.replace(_WORDINGS, _WORDINGS + _PHRASES),)
BEFORE = (functions_0023_puts.DOSSIERS_PUT_LOOK,)
