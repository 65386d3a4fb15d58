/// Anything that can put metric families on the page.
public protocol ExpositionSource: AnyObject {
    /// A walk over the families as they are now; it lives for one scrape.
    func makePass() -> any ExpositionPass
}

/// One walk over the families of a source, a slice at a time.
public protocol ExpositionPass {
    /// Writes on from where the last call stopped, until `writer.count` reaches `bytes` or there is
    /// nothing left; answers whether there is more to come.
    ///
    /// A call may stop between any two series, also inside a family; locks are held within a call
    /// only. A pass that stops inside a family goes on with its next series, without another
    /// `beginFamily`.
    mutating func write(into writer: inout ExpositionWriter, upTo bytes: Int) -> Bool
}
