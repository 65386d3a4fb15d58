/// What the kernel lets the control group of this process have, cgroups(7).
public enum ControlGroup {
    /// The least of the memory limits of the group and those above it, in bytes; nil when there is
    /// none. Of version 2 (`memory.max`) and version 1 (`memory.limit_in_bytes`).
    public static func memoryLimit() -> Int? {
        memoryLimit { path in
            readFile(path, limit: 1 << 16).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// `read` gives the text of a file, nil when there is none.
    static func memoryLimit(read: (String) -> String?) -> Int? {
        var least: Int?
        for line in (read("/proc/self/cgroup") ?? "").split(separator: "\n") {
            // "4:memory:/a/b" of version 1, "0::/a/b" of version 2.
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let file: String
            let roots: [String]
            if parts[0] == "0", parts[1].isEmpty {
                (file, roots) = ("memory.max", ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"])
            } else if parts[1].split(separator: ",").contains("memory") {
                (file, roots) = ("memory.limit_in_bytes", ["/sys/fs/cgroup/memory"])
            } else {
                continue
            }
            for root in roots {
                for folder in foldersUpwards(parts[2]) {
                    guard let limit = read("\(root)\(folder)/\(file)").flatMap(bytes) else {
                        continue
                    }
                    least = min(limit, least ?? limit)
                }
            }
        }
        return least
    }

    /// `/a/b`, `/a` and the root, which in a container may be the group itself.
    private static func foldersUpwards(_ path: Substring) -> [String] {
        var names = path.split(separator: "/")
        var folders: [String] = []
        while !names.isEmpty, folders.count < 64 {
            folders.append("/" + names.joined(separator: "/"))
            names.removeLast()
        }
        return folders + [""]
    }

    /// Version 1 writes "no limit" as the largest number of whole pages.
    private static func bytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isNumber }
        guard let limit = Int(digits), limit > 0, limit < 1 << 60 else { return nil }
        return limit
    }
}
