extension Config {
    /// The keys, as `limits.request`, whose values are others in `new`. A list is one key. Secrets
    /// are compared as they are shown, so that one that only changed its text is not named.
    func keysChanged(in new: Config) -> [String] {
        var found: [String] = []
        compare(Config.section.show(self), Config.section.show(new), at: "", &found)
        return found
    }

    private func compare(
        _ old: ConfigValue, _ new: ConfigValue, at path: String, _ found: inout [String]
    ) {
        guard case .map(let before) = old, case .map(let after) = new,
            before.map(\.key) == after.map(\.key)
        else {
            if old != new { found.append(path) }
            return
        }
        for (one, other) in zip(before, after) {
            let key = path.isEmpty ? one.key : path + "." + one.key
            compare(one.value, other.value, at: key, &found)
        }
    }
}
