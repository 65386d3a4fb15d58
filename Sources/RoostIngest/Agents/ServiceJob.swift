/// A service as Prometheus tells it apart: services of one name in two namespaces are two.
enum ServiceJob {
    /// One text for both; only the name where there is no namespace.
    static func text(name: [UInt8], namespace: [UInt8]) -> [UInt8] {
        namespace.isEmpty ? name : name + [0] + namespace
    }

    static func parts(of text: [UInt8]) -> (name: ArraySlice<UInt8>, namespace: ArraySlice<UInt8>) {
        let end = text.firstIndex(of: 0) ?? text.endIndex
        return (text[..<end], text[end...].dropFirst())
    }
}
