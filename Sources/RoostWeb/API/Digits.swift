extension UInt64 {
    /// From decimal digits of ASCII and nothing else, not even a sign.
    init?(digits text: String) {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        self.init(text)
    }
}
