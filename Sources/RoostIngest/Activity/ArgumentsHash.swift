import RoostCore
import RoostWire

/// What calls are told apart by: a hash of what a tool or an agent was given, good within this
/// process.
enum ArgumentsHash {
    /// In 32 bits, for those who hold many; 0 is unknown, and what nothing stands in.
    static func short(_ value: AnyValueView) -> UInt32 {
        if value.kind == .none || value.kind == .string && value.stringBytes.isEmpty { return 0 }
        return UInt32(truncatingIfNeeded: of(value) >> 32) | 1
    }

    /// Of a value as it was sent; a map's entries in another order are another value.
    static func of(_ value: AnyValueView, seed: UInt64 = 0xA5) -> UInt64 {
        switch value.kind {
        case .string, .bytes:
            let text = value.stringBytes
            return unsafe ByteHash.hash(
                UnsafeRawPointer(text.base), count: text.count, seed: seed)
        case .bool: return seed &+ (value.boolValue ? 2 : 1)
        case .int: return (seed ^ UInt64(bitPattern: value.intValue)) &* 0x9E37_79B9_7F4A_7C15
        case .double: return (seed ^ value.doubleValue.bitPattern) &* 0xC2B2_AE3D_27D4_EB4F
        case .array:
            var state = seed &+ 3
            value.forEachElement { state = of($0, seed: state) }
            return state
        case .kvlist:
            var state = seed &+ 4
            value.forEachEntry { key, value in
                state = unsafe ByteHash.hash(
                    UnsafeRawPointer(key.base), count: key.count, seed: state)
                state = of(value, seed: state)
            }
            return state
        case .none: return seed
        }
    }
}
