import Glibc

/// The one spelling of a path: absolute, without symbolic links, `.`, `..` and needless slashes. Of
/// what is not there the rest is taken as it is written; the path itself when not even the current
/// folder is there.
func canonicalPath(_ path: String) -> String {
    let parts = path.split(separator: "/").filter { $0 != "." }
    for count in (0...parts.count).reversed() {
        let known = (path.hasPrefix("/") ? "/" : "./") + parts.prefix(count).joined(separator: "/")
        guard let resolved = unsafe realpath(known, nil) else { continue }
        defer { unsafe free(resolved) }
        var whole = unsafe String(cString: resolved).split(separator: "/")
        for part in parts.dropFirst(count) {
            if part == ".." { _ = whole.popLast() } else { whole.append(part) }
        }
        return "/" + whole.joined(separator: "/")
    }
    return path
}
