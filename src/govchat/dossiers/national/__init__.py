"""The payloads that one-stop systems build for the National Portal (DongBoHoSoMC, CapNhatTienDoHoSoMC), taken as they are.

They come in under `/v1/national`, are mapped onto the intake of `dossiers`, and are answered with the portal's `error_code`.
"""
