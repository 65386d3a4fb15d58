/// How far everyone has read, in a file of two places that are written in turn. docs/queue.md.
///
/// The place that is known to be on the disk is never written to before the other one is. The
/// commit thread's own.
struct CursorFile: Sendable {
    struct Position: Equatable {
        var name: String
        /// The first record that was not released.
        var sequence: UInt64
    }

    enum Reading: Equatable {
        case positions([Position])
        case none
        /// There is a file, and neither place can be read.
        case damaged
        case version(UInt16)
    }

    static let name = "cursors"
    static let mostCursors = 64
    static let mostNameBytes = 128

    private static let magic: UInt64 = 0x3172_7543_7473_6F52
    private static let placeBytes = 16 << 10
    private static let headBytes = 32

    private let file: QueueFile
    private var generation: UInt64 = 0
    /// The place to write to.
    private var place = 0
    private var isDirty = false

    /// Opens the file in `path`, or makes it. Another version is left as it is.
    init(_ path: String) throws(QueueFault) {
        file = try QueueFile(path + "/" + Self.name, .write)
    }

    /// What the file in `path` says; changes nothing.
    static func look(_ path: String) throws(QueueFault) -> Reading {
        do throws(QueueFault) {
            return try best(QueueFile(path + "/" + name, .read)).reading
        } catch {
            if error.isMissing { return .none }
            throw error
        }
    }

    /// Reads the positions and learns which place to write to. What is read now may not be on the
    /// disk yet, and is when `isDurable`.
    mutating func read(isDurable: Bool) throws(QueueFault) -> Reading {
        if isDurable { try file.sync() }
        let best = try Self.best(file)
        generation = best.generation
        place = best.place == 0 ? 1 : 0
        return best.reading
    }

    /// Not synced.
    mutating func write(_ positions: [Position]) throws(QueueFault) {
        generation &+= 1
        let bytes = Self.encode(positions, generation)
        try file.write(bytes, at: place * Self.placeBytes)
        isDirty = true
    }

    /// Makes the last write survive a loss of power.
    mutating func sync() throws(QueueFault) {
        guard isDirty else { return }
        try file.sync()
        isDirty = false
        place = 1 - place
    }

    private static func best(
        _ file: QueueFile
    ) throws(QueueFault) -> (reading: Reading, generation: UInt64, place: Int) {
        var best: (reading: Reading, generation: UInt64, place: Int) = (.none, 0, 1)
        var isEmpty = true
        for place in 0...1 {
            let bytes = try file.read(placeBytes, at: place * placeBytes)
            if bytes.contains(where: { $0 != 0 }) { isEmpty = false }
            guard let (reading, generation) = decode(bytes) else { continue }
            if best.reading == .none || generation > best.generation {
                best = (reading, generation, place)
            }
        }
        if best.reading == .none, !isEmpty { best.reading = .damaged }
        return best
    }

    static func encode(_ positions: [Position], _ generation: UInt64) -> [UInt8] {
        let length = positions.reduce(headBytes) { $0 + 16 + $1.name.utf8.count }
        var bytes = [UInt8](repeating: 0, count: length + 8)
        unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe buffer.put(magic, at: 0)
            unsafe buffer.put(SegmentFormat.version, at: 8)
            unsafe buffer.put(UInt16(positions.count), at: 10)
            unsafe buffer.put(UInt32(length), at: 12)
            unsafe buffer.put(generation, at: 16)
            var offset = headBytes
            for position in positions {
                unsafe buffer.put(position.sequence, at: offset)
                unsafe buffer.put(UInt64(position.name.utf8.count), at: offset + 8)
                offset += 16
                for byte in position.name.utf8 {
                    unsafe buffer.put(byte, at: offset)
                    offset += 1
                }
            }
            let sum = unsafe XXHash64.of(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
            unsafe buffer.put(sum, at: length)
        }
        return bytes
    }

    /// Magic, version, length and the checksum behind stay where they are in every version.
    static func decode(_ bytes: [UInt8]) -> (Reading, generation: UInt64)? {
        unsafe bytes.withUnsafeBytes { buffer in
            guard buffer.count >= headBytes + 8, unsafe buffer.get(UInt64.self, at: 0) == magic
            else { return nil }
            let length = unsafe Int(buffer.get(UInt32.self, at: 12))
            guard length >= headBytes, length <= buffer.count - 8,
                unsafe buffer.get(UInt64.self, at: length)
                    == XXHash64.of(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
            else { return nil }
            let generation = unsafe buffer.get(UInt64.self, at: 16)
            let version = unsafe buffer.get(UInt16.self, at: 8)
            guard version == SegmentFormat.version else { return (.version(version), generation) }
            var positions: [Position] = []
            var offset = headBytes
            for _ in unsafe 0..<buffer.get(UInt16.self, at: 10) {
                guard length - offset >= 16 else { return nil }
                let sequence = unsafe buffer.get(UInt64.self, at: offset)
                let count = unsafe buffer.get(UInt64.self, at: offset + 8)
                offset += 16
                guard count <= UInt64(length - offset), sequence < SegmentFormat.mostSequence
                else { return nil }
                let name = unsafe String(
                    decoding: buffer[offset..<offset + Int(count)], as: UTF8.self)
                positions.append(Position(name: name, sequence: sequence))
                offset += Int(count)
            }
            return (.positions(positions), generation)
        }
    }
}
