/// The keys of one mapping, from which reading, printing and the reference are made.
struct ConfigSection<Owner: Sendable>: Sendable {
    let keys: [ConfigKey<Owner>]

    init(_ keys: [ConfigKey<Owner>]) { self.keys = keys }

    /// Reads what the mapping gives into `owner` and leaves the rest as it is.
    func read(
        _ node: ConfigNode, at path: String, into owner: inout Owner,
        _ reading: inout ConfigReading
    ) {
        if node.isNull { return }
        guard case .mapping(let entries) = node.content else {
            let place = path.isEmpty ? "the configuration" : path
            let names = inWords(keys.map(\.name), last: "and")
            reading.fault(node.origin, "\(place) is \(node.kind); it has the keys \(names)")
            return
        }
        for entry in entries {
            let inner = path.isEmpty ? entry.key : path + "." + entry.key
            guard let key = keys.first(where: { $0.name == entry.key }) else {
                reading.fault(entry.keyOrigin, unknown(entry.key, in: path))
                continue
            }
            reading.note(inner, entry.value.origin)
            key.read(entry.value, inner, &owner, &reading)
        }
    }

    /// Everything in `owner`, secrets masked.
    func show(_ owner: Owner) -> ConfigValue {
        .map(keys.map { ConfigValue.Entry(key: $0.name, value: $0.show(owner)) })
    }

    private func unknown(_ name: String, in path: String) -> String {
        let place = path.isEmpty ? "" : " in \(path)"
        let names = keys.map(\.name)
        guard let near = nearest(name, among: names) else {
            return "unknown key \(shownKey(name))\(place); known are \(inWords(names, last: "and"))"
        }
        return "unknown key \(shownKey(name))\(place); did you mean \(near)?"
    }
}

/// A row of the reference.
struct ConfigRow: Sendable {
    let path: String
    let fallback: ConfigValue
    let allowed: String
    let doc: String
}

/// Where a value stands in what holds it.
typealias ConfigPlace<Owner, Value> = any WritableKeyPath<Owner, Value> & Sendable

/// One key of a mapping, whatever it holds.
struct ConfigKey<Owner: Sendable>: Sendable {
    let name: String
    let read: @Sendable (ConfigNode, String, inout Owner, inout ConfigReading) -> Void
    let show: @Sendable (Owner) -> ConfigValue
    var rows: @Sendable (Owner, String) -> [ConfigRow]

    /// A single value.
    static func value<Value>(
        _ name: String, _ place: ConfigPlace<Owner, Value>,
        _ form: ConfigForm<Value>, _ doc: String
    ) -> ConfigKey {
        ConfigKey(
            name: name,
            read: { node, path, owner, reading in
                if let value = form.read(node, at: path, &reading) { owner[keyPath: place] = value }
            },
            show: { form.show($0[keyPath: place]) },
            rows: { owner, path in
                [
                    ConfigRow(
                        path: path, fallback: form.show(owner[keyPath: place]),
                        allowed: form.allowed, doc: doc)
                ]
            })
    }

    /// A single value that may be left out: nothing, null and the empty text are nil.
    static func optional<Value>(
        _ name: String, _ place: ConfigPlace<Owner, Value?>,
        _ form: ConfigForm<Value>, _ doc: String
    ) -> ConfigKey {
        let wrapped = ConfigForm<Value?>(
            allowed: form.allowed,
            parse: { text throws(ConfigFormError) in
                if text.isEmpty { return nil }
                return try form.parse(text)
            }, show: { $0.map(form.show) ?? .null }, isSecret: form.isSecret,
            isAddress: form.isAddress)
        let key = value(name, place, wrapped, doc)
        return ConfigKey(
            name: name,
            read: { node, path, owner, reading in
                if node.isNull {
                    owner[keyPath: place] = nil
                } else {
                    key.read(node, path, &owner, &reading)
                }
            }, show: key.show, rows: key.rows)
    }

    /// A list of single values.
    static func list<Element>(
        _ name: String, _ place: ConfigPlace<Owner, [Element]>,
        _ form: ConfigForm<Element>, _ doc: String
    ) -> ConfigKey {
        ConfigKey(
            name: name,
            read: { node, path, owner, reading in
                form.readList(node, at: path, into: &owner[keyPath: place], &reading)
            },
            show: { .list($0[keyPath: place].map(form.show)) },
            rows: { owner, path in
                [
                    ConfigRow(
                        path: path, fallback: .list(owner[keyPath: place].map(form.show)),
                        allowed: "a list; each " + form.allowed, doc: doc)
                ]
            })
    }

    /// A mapping of its own.
    static func section<Value>(
        _ name: String, _ place: ConfigPlace<Owner, Value>,
        _ section: ConfigSection<Value>
    ) -> ConfigKey {
        ConfigKey(
            name: name,
            read: { node, path, owner, reading in
                section.read(node, at: path, into: &owner[keyPath: place], &reading)
            },
            show: { section.show($0[keyPath: place]) },
            rows: { owner, path in
                section.keys.flatMap { $0.rows(owner[keyPath: place], path + "." + $0.name) }
            })
    }

    /// A list of mappings; `fresh` is one with every default.
    static func sections<Value>(
        _ name: String, _ place: ConfigPlace<Owner, [Value]>,
        _ section: ConfigSection<Value>, fresh: Value
    ) -> ConfigKey {
        ConfigKey(
            name: name,
            read: { node, path, owner, reading in
                section.readList(
                    node, at: path, into: &owner[keyPath: place], fresh: fresh, &reading)
            },
            show: { .list($0[keyPath: place].map(section.show)) },
            rows: { _, path in
                section.keys.flatMap { $0.rows(fresh, path + "[]." + $0.name) }
            })
    }
}
