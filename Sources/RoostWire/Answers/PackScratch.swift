import CProtobufC
import Glibc

/// Memory for a message that protobuf-c is about to pack, all of it freed together.
///
/// Only for messages that Roost makes itself: protobuf-c reads neither UTF-8 nor depth carefully
/// enough for bytes from outside.
@safe struct PackScratch: ~Copyable {
    private var owned: [UnsafeMutableRawPointer] = unsafe []

    deinit {
        let count = unsafe owned.count
        for index in 0..<count { unsafe owned[index].deallocate() }
    }

    /// A C string; text behind a NUL is lost.
    mutating func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (place, byte) in bytes.enumerated() { unsafe copy[place] = byte }
        unsafe owned.append(UnsafeMutableRawPointer(copy))
        return unsafe copy
    }

    /// Bytes for a field of type `bytes`.
    mutating func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        for (place, byte) in bytes.enumerated() { unsafe copy[place] = byte }
        unsafe owned.append(UnsafeMutableRawPointer(copy))
        return unsafe ProtobufCBinaryData(len: bytes.count, data: copy)
    }

    /// A message in its own place, so that others can point to it.
    mutating func place<Message>(_ message: Message) -> UnsafeMutablePointer<Message> {
        let place = UnsafeMutablePointer<Message>.allocate(capacity: 1)
        unsafe place.initialize(to: message)
        unsafe owned.append(UnsafeMutableRawPointer(place))
        return unsafe place
    }

    /// The array of a repeated message field.
    mutating func array<Message>(
        _ messages: [UnsafeMutablePointer<Message>]
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Message>?> {
        let count = unsafe messages.count
        let array = UnsafeMutablePointer<UnsafeMutablePointer<Message>?>.allocate(
            capacity: max(count, 1))
        for index in 0..<count {
            unsafe (array + index).initialize(to: messages[index])
        }
        unsafe owned.append(UnsafeMutableRawPointer(array))
        return unsafe array
    }
}

/// Packs any message of COTLP; each begins with protobuf-c's common part.
func packed<Message>(_ message: Message) -> [UInt8] {
    unsafe withUnsafeBytes(of: message) { bytes in
        guard let base = bytes.baseAddress else { return [] }
        let common = unsafe base.assumingMemoryBound(to: ProtobufCMessage.self)
        let size = unsafe protobuf_c_message_get_packed_size(common)
        return unsafe [UInt8](unsafeUninitializedCapacity: size) { target, count in
            if let start = target.baseAddress {
                unsafe count = protobuf_c_message_pack(common, start)
            }
        }
    }
}
