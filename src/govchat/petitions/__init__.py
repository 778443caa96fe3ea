"""Petitions: reports, proposals and scene reports (phản ánh, kiến nghị, phản ánh hiện trường) from filing to the citizen's last word.

In: what a citizen tells in the chat, and what offices do through `/v1/petitions`. Out: a code with dates, the office's answer as a message,
callbacks. Complaints and denunciations (khiếu nại, tố cáo) are never kept here: `routing` says where the law wants them.
"""
