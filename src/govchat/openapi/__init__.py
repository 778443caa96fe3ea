"""The API's own description: OpenAPI at /schema/openapi.json and a viewer that loads nothing from elsewhere.

`static/` holds swagger-ui-dist 5.35.0 (Apache-2.0) as published on npm; replace the files to update it.
"""
