import CPages

/// The program's code and constants and those of its libraries, as far as they are in memory.
///
/// A page that was used once stays mapped, and counts as resident, although nobody may look at it
/// again: reading YAML, tables and certificates, linking libraries, answering a question.
public enum CodePages {
    /// Unmaps all of these pages, for what is still needed to come back from the page cache: a fault
    /// for each 64 KiB, a millisecond or two for all. Called when everything has started, and when
    /// memory is short. Any thread.
    public static func forget() { roost_forget_pages() }
}
