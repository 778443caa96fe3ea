"""Why a file can't be read or written, in the words of whoever runs the command."""

import errno

_SAYS = {
    errno.ENOENT: "không có tệp hoặc thư mục này",
    errno.EACCES: "không có quyền",
    errno.EPERM: "không có quyền",
    errno.EISDIR: "đây là thư mục, không phải tệp",
    errno.ENOTDIR: "đây không phải thư mục",
    errno.EEXIST: "đã có sẵn",
    errno.ENOSPC: "đĩa đã đầy",
    errno.EROFS: "ổ đĩa chỉ cho đọc",
    errno.ENAMETOOLONG: "tên quá dài",
}


def reason(error: OSError) -> str:
    """`error` in Vietnamese, in the system's own words where it is a rare one."""
    return _SAYS.get(error.errno or 0) or error.strerror or type(error).__name__
