import RoostCompression
import RoostCore
import RoostWire
import Synchronization

/// Pays for what requests take beside their payloads: libcurl's buffers, and compressed bodies.
///
/// Some requests of each destination are paid for by what is set aside, so that data leaves when the
/// rest of the budget is full; they get along with less. Others wait for those. What there was no room
/// to set aside when destinations changed comes as soon as memory is given back; until then only what
/// is held is used. Any thread.
final class SendingRoom: Sendable {
    /// Of a connection with TLS and what libcurl reads into.
    private static let connectionBytes = 160 << 10
    /// What libcurl reads a body into on its way out is as long as the body within these bounds, which
    /// are its own.
    private static let uploadBytes = 16 << 10...2 << 20
    /// A request that what is set aside pays for has this instead.
    private static let smallUploadBytes = 64 << 10
    /// And a compressed body of this length at most.
    private static let smallBodyBytes = 256 << 10
    /// What a packer takes beside what it reads and makes; one works at a time.
    private static let packerBytes = 1_536 << 10

    private let share: MemoryBudget.Share
    private let slots = Mutex(SendingSlots())

    init(_ share: MemoryBudget.Share) { self.share = share }

    /// The least that `settings` take, to be compared with the budget.
    static func leastBytes(_ settings: [ExportSettings]) -> Int {
        settings.reduce(packingBytes(settings)) { $0 + slotBytes($1) }
    }

    private static func slotBytes(_ settings: ExportSettings) -> Int {
        (settings.compression == .none ? plainNeed : packingNeed).bytes
    }

    private static let plainNeed = SendingSlots.Need(
        bytes: connectionBytes + smallUploadBytes, packs: false)
    private static let packingNeed = SendingSlots.Need(
        bytes: plainNeed.bytes + smallBodyBytes, packs: true)

    private static func packingBytes(_ settings: [ExportSettings]) -> Int {
        settings.contains { $0.compression != .none } ? packerBytes : 0
    }

    /// Sets aside what these destinations need: a request each, and up to as many as they may have
    /// under way while that is no more than a sixteenth of the budget. Those that leave are among them
    /// until they have ended. `destinations` is called when nobody else has a say.
    func suit(_ destinations: () -> [(index: Int, settings: ExportSettings)]) {
        slots.withLock { slots in
            let destinations = destinations()
            let settings = destinations.map(\.settings)
            let each = settings.reduce(0) { $0 + Self.slotBytes($1) }
            let wanted = settings.map(\.concurrency).max() ?? 0
            slots.suit(
                destinations.map { ($0.index, Self.slotBytes($0.settings)) },
                count: each == 0 ? 1 : max(1, min(wanted, share.limitBytes / 16 / each)),
                packerBytes: Self.packingBytes(settings))
            share.setAside(slots.neededBytes)
        }
    }

    /// Room for a request, until this is let go of.
    final class Hold: Sendable {
        /// How much of the body libcurl may read at once.
        let uploadBytes: Int
        /// Whether it pays for a compressed body, too, and for making that.
        let packs: Bool
        private let end: @Sendable () -> Void

        fileprivate init(
            uploadBytes: Int, packs: Bool = false, end: @escaping @Sendable () -> Void
        ) {
            self.uploadBytes = uploadBytes
            self.packs = packs
            self.end = end
        }

        deinit { end() }
    }

    /// Room for a request with a body of so many bytes to the destination number `index`; nil when
    /// others have to end before.
    func hold(for index: Int, bodyBytes: Int) -> Hold? {
        let full = min(max(bodyBytes, Self.uploadBytes.lowerBound), Self.uploadBytes.upperBound)
        for upload in [full, min(full, Self.smallUploadBytes)] {
            let bytes = Self.connectionBytes + upload
            guard share.tryTake(bytes) else { continue }
            return Hold(uploadBytes: upload) { [share] in share.giveBack(bytes) }
        }
        return slot(of: index, [Self.plainNeed])
    }

    /// One of the requests that what is set aside pays for, with a compressed body, or without where
    /// less is held than was wished for.
    func packingSlot(of index: Int) -> Hold? {
        slot(of: index, [Self.packingNeed, Self.plainNeed])
    }

    /// The first of `needs` that can be paid for; those after it only while not all is held.
    private func slot(of index: Int, _ needs: [SendingSlots.Need]) -> Hold? {
        let now = monotonicNanoseconds()
        let taken = slots.withLock { slots -> SendingSlots.Need? in
            let held = share.asideBytes
            let isShort = held < slots.wantedBytes
            return needs.prefix(isShort ? needs.count : 1).first { need in
                slots.take(index, need, held: held, now: now)
            }
        }
        guard let taken else { return nil }
        return Hold(uploadBytes: Self.smallUploadBytes, packs: taken.packs) { [self] in
            slots.withLock { slots in
                let before = slots.neededBytes
                slots.release(index, taken)
                if slots.neededBytes != before { share.setAside(slots.neededBytes) }
            }
        }
    }

    // MARK: Compressing, on one thread

    /// The slices compressed, in a block that is paid for; nil when there is no room for that.
    func pack(_ slices: [ByteSlice], _ coding: ContentCoding) -> ByteBlock? {
        let total = slices.reduce(0) { $0 + $1.count }
        // Joined, and what it may become at worst; then that and the copy that is kept.
        let room = 2 * total + total / 32 + (4 << 10)
        guard share.tryTake(room) else { return nil }
        let packed = compress(slices, coding)
        share.giveBack(packed.count)
        defer { share.giveBack(room - packed.count) }
        guard let kept = share.reserve(packed.count) else { return nil }
        return unsafe packed.withBytes { unsafe ByteBlock(copying: $0, reservation: kept) }
    }

    /// The same within what is set aside for one request; nil when it becomes too long for that.
    func packTightly(_ slices: [ByteSlice], _ coding: ContentCoding) -> ByteBlock? {
        let packer = StreamCompressor(coding)
        var packed: [UInt8] = []
        for slice in slices {
            for start in stride(from: 0, to: slice.count, by: 64 << 10) {
                let piece = unsafe slice.withBytes {
                    unsafe [UInt8]($0[start..<min(start + (64 << 10), slice.count)])
                }
                packer.compress(piece, finish: false, into: &packed)
                if packed.count > Self.smallBodyBytes { return nil }
            }
        }
        packer.compress([], finish: true, into: &packed)
        return packed.count > Self.smallBodyBytes ? nil : ByteBlock(packed)
    }
}
