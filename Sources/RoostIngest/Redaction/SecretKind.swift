/// A kind of secret that can be recognised by how it looks.
public enum SecretKind: String, Sendable, CaseIterable {
    case email
    case apiKey = "api_key"
    case card
    case privateKey = "private_key"
}

/// What becomes of what was found.
public enum RedactionAction: String, Sendable, CaseIterable {
    /// `[redacted:RULE]` takes its place.
    case replace
    /// `[RULE:HASH]` takes its place: the same secret, the same hash.
    case hash
    /// The attribute that it stands in is left out.
    case drop
}
