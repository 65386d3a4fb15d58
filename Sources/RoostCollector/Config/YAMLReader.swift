import CYAML

/// Reads one YAML document into nodes. The only file that knows libyaml.
///
/// Anchors, aliases and tags are refused: configuration needs none, and without them a document
/// cannot grow while it is read. Nesting is bounded by `maxDepth`, size by the caller.
@safe struct YAMLReader {
    static let maxDepth = 32

    /// At an address of its own, which libyaml keeps; freed at the end of `parse`.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: [UInt8]
    private let name: String
    private let origin: ConfigOrigin?
    private var faults: [ConfigFault] = []

    /// The document in `text`, nil when it is empty.
    ///
    /// `name` is the file for the origins of its nodes; with `origin`, as for text given in a flag,
    /// all of them get that one. Throws where it is no YAML that we take, at the first fault. Keys
    /// that are given twice are told beside the node, in which the first one stands.
    static func read(
        _ text: [UInt8], name: String, origin: ConfigOrigin? = nil
    ) throws(ConfigErrors) -> (node: ConfigNode?, faults: [ConfigFault]) {
        var reader = YAMLReader(text: text, name: name, origin: origin)
        let node = try unsafe text.withUnsafeBufferPointer { bytes throws(ConfigErrors) in
            try unsafe reader.parse(bytes)
        }
        return (node, reader.faults)
    }

    private init(text: [UInt8], name: String, origin: ConfigOrigin?) {
        unsafe parser = .allocate(capacity: 1)
        self.text = text
        self.name = name
        self.origin = origin
    }

    private mutating func parse(
        _ bytes: UnsafeBufferPointer<UInt8>
    ) throws(ConfigErrors) -> ConfigNode? {
        defer { unsafe parser.deallocate() }
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            throw fault(origin ?? .file(name, line: 0, column: 0), "no memory to read it")
        }
        defer { unsafe yaml_parser_delete(parser) }
        unsafe yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        var root: ConfigNode?
        while true {
            switch try next() {
            case .streamEnd: return root
            case .documentStart(let place):
                guard root == nil else {
                    throw fault(place, "a second document begins here; one is allowed")
                }
                root = try node(from: try next(), depth: 0)
            default: continue
            }
        }
    }

    private enum Event {
        case scalar(String, isPlain: Bool, ConfigOrigin)
        case sequenceStart(ConfigOrigin)
        case mappingStart(ConfigOrigin)
        case end(ConfigOrigin)
        case documentStart(ConfigOrigin)
        case streamEnd
        case other
    }

    private mutating func node(
        from event: Event, depth: Int
    ) throws(ConfigErrors) -> ConfigNode {
        switch event {
        case .scalar(let text, let isPlain, let place):
            return ConfigNode(content: .scalar(text, isPlain: isPlain), origin: place)
        case .sequenceStart(let place):
            try checkDepth(depth, place)
            var items: [ConfigNode] = []
            while true {
                let event = try next()
                if case .end = event { break }
                items.append(try node(from: event, depth: depth + 1))
            }
            return ConfigNode(content: .sequence(items), origin: place)
        case .mappingStart(let place):
            try checkDepth(depth, place)
            let entries = try entries(depth: depth)
            return ConfigNode(content: .mapping(entries), origin: place)
        case .end(let place), .documentStart(let place):
            throw fault(place, "a value is missing here")
        case .streamEnd, .other:
            throw fault(origin ?? .file(name, line: 0, column: 0), "a value is missing at the end")
        }
    }

    private mutating func entries(
        depth: Int
    ) throws(ConfigErrors) -> [ConfigNode.Entry] {
        var entries: [ConfigNode.Entry] = []
        var places: [String: ConfigOrigin] = [:]
        while true {
            let event = try next()
            if case .end = event { return entries }
            guard case .scalar(let key, _, let place) = event else {
                let node = try node(from: event, depth: depth + 1)
                throw fault(node.origin, "a key has to be a single word, this is \(node.kind)")
            }
            let value = try node(from: try next(), depth: depth + 1)
            if let first = places[key] {
                faults.append(
                    ConfigFault(
                        origin: place, message: "\(shownKey(key)) is given twice, first at \(first)"
                    ))
                continue
            }
            places[key] = place
            entries.append(ConfigNode.Entry(key: key, keyOrigin: place, value: value))
        }
    }

    private func checkDepth(_ depth: Int, _ place: ConfigOrigin) throws(ConfigErrors) {
        guard depth < Self.maxDepth else {
            throw fault(place, "nested more than \(Self.maxDepth) deep")
        }
    }

    private mutating func next() throws(ConfigErrors) -> Event {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else {
            throw syntaxFault()
        }
        defer { unsafe yaml_event_delete(&event) }
        let place = unsafe place(event.start_mark)
        switch unsafe event.type {
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            try unsafe checkPlain(anchor: scalar.anchor, tag: scalar.tag, place)
            let text = unsafe String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length),
                as: UTF8.self)
            let isPlain = unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE
            return .scalar(text, isPlain: isPlain, place)
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe event.data.sequence_start
            try unsafe checkPlain(anchor: start.anchor, tag: start.tag, place)
            return .sequenceStart(place)
        case YAML_MAPPING_START_EVENT:
            let start = unsafe event.data.mapping_start
            try unsafe checkPlain(anchor: start.anchor, tag: start.tag, place)
            return .mappingStart(place)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return .end(place)
        case YAML_DOCUMENT_START_EVENT: return .documentStart(place)
        case YAML_STREAM_END_EVENT: return .streamEnd
        case YAML_ALIAS_EVENT:
            throw fault(place, "aliases (*name) are not understood; write the value out")
        default: return .other
        }
    }

    private func checkPlain(
        anchor: UnsafeMutablePointer<yaml_char_t>?, tag: UnsafeMutablePointer<yaml_char_t>?,
        _ place: ConfigOrigin
    ) throws(ConfigErrors) {
        guard unsafe anchor == nil else {
            throw fault(place, "anchors (&name) are not understood; write the value out")
        }
        guard unsafe tag == nil else {
            throw fault(place, "tags (!name) are not understood; leave it out")
        }
    }

    private func syntaxFault() -> ConfigErrors {
        let problem =
            unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "cannot be read"
        guard unsafe parser.pointee.error == YAML_READER_ERROR else {
            let context =
                unsafe parser.pointee.context.map { unsafe String(cString: $0) + ": " } ?? ""
            return fault(
                unsafe place(parser.pointee.problem_mark), "not YAML: \(context)\(problem)")
        }
        // The reader knows the byte only.
        let before = unsafe text.prefix(Int(clamping: parser.pointee.problem_offset))
        let line = before.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
        let column = before.reversed().prefix { $0 != 0x0A }.count + 1
        return fault(
            origin ?? .file(name, line: line, column: column), "not UTF-8 text: \(problem)")
    }

    private func place(_ mark: yaml_mark_t) -> ConfigOrigin {
        origin
            ?? .file(
                name, line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
    }

    private func fault(_ place: ConfigOrigin, _ message: String) -> ConfigErrors {
        ConfigErrors(faults: faults + [ConfigFault(origin: place, message: message)])
    }
}
