import RoostCore
import RoostWire

/// OTLP/JSON: what comes out as protobuf must be readable.
final class JSONTarget: FuzzTarget {
    private let door = RequestDoor()
    private let derived = DerivedChecks()

    func take(_ input: UnsafeRawBufferPointer) {
        let body = unsafe ByteBlock(copying: input)
        for signal in Signal.allCases {
            var flaw: JSONError?
            let made: ByteBlock
            do throws(JSONError) {
                made = try unsafe transcodeJSON(
                    input, signal: signal, maxBytes: 1 << 20, flaw: &flaw)
            } catch {
                promise((0...input.count).contains(error.offset), "a fault outside of the request")
                promise(door.read(body, signal, .json) == nil, "the door took what is no request")
                continue
            }
            var rejections = Rejections()
            do throws(WireError) {
                _ = try countWellFormed(made, signal, &rejections)
            } catch {
                fatalError("what JSON became cannot be read: \(error)")
            }
            guard let request = door.read(body, signal, .json) else {
                fatalError("the door refused what can be transcoded")
            }
            derived.check(request)
        }
    }
}
