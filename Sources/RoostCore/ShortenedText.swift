extension StringProtocol {
    /// As much as is repeated of what a stranger wrote. By scalars: what is one character to a reader
    /// may be millions of bytes, a letter with marks on it.
    public func shortened(to most: Int = 64) -> String {
        guard let end = unicodeScalars.index(startIndex, offsetBy: most, limitedBy: endIndex),
            end < endIndex
        else { return String(self) }
        return String(self[..<end]) + "…"
    }
}
