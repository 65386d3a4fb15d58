import RoostCore
package import RoostNet
import Synchronization

/// Who is let in, on every listener: whoever brings one of the tokens in force, or everybody when
/// there are none. Any thread.
package final class Credentials: Sendable {
    private let tokens: Mutex<TokenSet>
    /// So that the usual case takes no lock.
    private let areNeeded: Atomic<Bool>

    package init(_ tokens: [String]) {
        self.tokens = Mutex(TokenSet(tokens))
        areNeeded = Atomic(!tokens.isEmpty)
    }

    /// From the next request on.
    package func use(_ tokens: [String]) {
        self.tokens.withLock { $0 = TokenSet(tokens) }
        areNeeded.store(!tokens.isEmpty, ordering: .releasing)
    }

    package var isTokenNeeded: Bool { areNeeded.load(ordering: .acquiring) }

    /// Whether a request brings a token that is good, or needs none.
    package func admit(_ head: RequestHead) -> Bool {
        guard isTokenNeeded else { return true }
        let value = head.header("authorization")
        return tokens.withLock { $0.isEmpty || $0.admits(authorization: value) }
    }

    /// Whether a person's text is one of the tokens.
    package func holds(_ token: String) -> Bool { tokens.withLock { $0.holds(token) } }
}
