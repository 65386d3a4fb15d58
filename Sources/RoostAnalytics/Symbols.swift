import RoostCore
public import RoostIngest

/// The texts behind the numbers and hashes of facts.
///
/// Texts of numbers only grow, bounded by the tracker; of sessions and users the latest are kept.
public struct Symbols: Sendable {
    private var texts: [String] = [""]
    private var identities: [UInt64: String] = [:]
    /// Hashes in the order in which they were told, as a ring.
    private var order: [UInt64] = []
    private var next = 0

    /// What stands for texts that found no room.
    public static let overflow = "(other)"
    private static let mostIdentities = 65_536

    public init() {}

    public mutating func take(_ batch: AgentFactBatch) {
        for text in batch.newTexts { texts.append(String(decoding: text, as: UTF8.self)) }
        for identity in batch.identities {
            remember(identity.hash, String(decoding: identity.text, as: UTF8.self))
        }
    }

    /// The number of texts told, the empty one included.
    public var count: Int { texts.count }

    /// The text of a number.
    public func text(_ number: Int32) -> String {
        guard number >= 0 else { return Symbols.overflow }
        return Int(number) < texts.count ? texts[Int(number)] : ""
    }

    /// The number of a text that was told; nil when none was.
    public func number(of text: String) -> Int32? {
        if text == Symbols.overflow { return -1 }
        return texts.firstIndex { $0.isExactly(text) }.map { Int32($0) }
    }

    /// The text of a session or user; nil when it was told too long ago.
    public func identity(_ hash: UInt64) -> String? { hash == 0 ? "" : identities[hash] }

    private mutating func remember(_ hash: UInt64, _ text: String) {
        guard identities.updateValue(text, forKey: hash) == nil else { return }
        if order.count < Symbols.mostIdentities {
            order.append(hash)
        } else {
            identities[order[next]] = nil
            order[next] = hash
            next = (next + 1) % Symbols.mostIdentities
        }
    }
}
