import RoostCore

/// What opening a folder comes to.
struct LogOpening {
    private let settings: SegmentLogSettings
    private let tries: OpeningTries
    private(set) var state: LogState
    let quarantine: Quarantine
    private(set) var cursorFile: CursorFile
    private(set) var nextSequence: UInt64 = 1
    private(set) var recovery = QueueRecovery()
    /// Of the last segment that is there.
    private(set) var before = SegmentBefore(bits: 0)
    private var chain = SegmentChain()

    /// By cursor: from where on it waits; `.max` for one that is new.
    private var positions: [UInt64] = []
    private var places: [ReaderPlace?] = []

    /// More in one file are counted and not set aside.
    private static let mostDamagedPlaces = 1000

    /// Looks at every header first: a folder of a newer version is left as it is.
    static func open(_ settings: SegmentLogSettings) throws(QueueOpenError) -> LogOpening {
        let start = monotonicNanoseconds()
        try check(settings)
        var files: [(id: UInt64, name: String)] = []
        var spares: [String] = []
        var known = CursorFile.Reading.none
        do throws(QueueFault) {
            try QueueFolder.make(settings.path)
            let names = try QueueFolder.names(in: settings.path)
            spares = names.filter(SegmentFormat.isSpare)
            files = names.compactMap { name in
                SegmentFormat.id(ofFile: name).map { (id: $0, name: name) }
            }.sorted { $0.id < $1.id }
            known = try CursorFile.look(settings.path)
        } catch {
            throw failure(settings, error)
        }
        if case .version(let found) = known { throw foreign(settings, CursorFile.name, found) }
        let tries = OpeningTries(settings)
        for file in files {
            let reading = try header(settings, file.name, tries)
            if case .version(let found) = reading { throw foreign(settings, file.name, found) }
        }
        do throws(QueueFault) {
            for name in spares { try QueueFolder.remove(settings.path + "/" + name) }
            var opening = try LogOpening(settings, tries, known, hasFiles: !files.isEmpty)
            for file in files {
                try opening.recover(file.name, id: file.id, isLast: file.id == files.last?.id)
            }
            try opening.finish()
            opening.recovery.nanoseconds = monotonicNanoseconds() - start
            return opening
        } catch {
            throw failure(settings, error)
        }
    }

    private static func check(_ settings: SegmentLogSettings) throws(QueueOpenError) {
        guard settings.limitBytes >= 64 << 10 else {
            throw .invalid("a queue of \(settings.limitBytes) bytes is too small; 64 KiB at least")
        }
        guard settings.cursors.count <= CursorFile.mostCursors else {
            throw .invalid("a queue has \(CursorFile.mostCursors) cursors at most")
        }
        guard Set(settings.cursors).count == settings.cursors.count,
            settings.cursors.allSatisfy({
                !$0.isEmpty && $0.utf8.count <= CursorFile.mostNameBytes
            })
        else {
            throw .invalid(
                "each cursor needs a name of its own of at most \(CursorFile.mostNameBytes) bytes")
        }
    }

    private static func failure(
        _ settings: SegmentLogSettings, _ fault: QueueFault
    ) -> QueueOpenError {
        .failed("the queue in \(settings.path) cannot be opened: \(fault.description)")
    }

    private static func foreign(
        _ settings: SegmentLogSettings, _ name: String, _ found: UInt16
    ) -> QueueOpenError {
        .version(
            file: settings.path + "/" + name, found: Int(found),
            known: Int(SegmentFormat.reusedVersion))
    }

    /// What the file's header says by the better one of its copies.
    private static func header(
        _ settings: SegmentLogSettings, _ name: String, _ tries: OpeningTries
    ) throws(QueueOpenError) -> SegmentHeader.Reading {
        do throws(QueueFault) {
            return try header(QueueFile(settings.path + "/" + name, .read, tries: tries))
        } catch {
            // What cannot be read now is met again when it is recovered.
            if error.isUnreadable { return .damaged }
            throw failure(settings, error)
        }
    }

    static func header(_ file: QueueFile) throws(QueueFault) -> SegmentHeader.Reading {
        guard try file.size() != nil else { return .damaged }
        let bytes = try file.read(SegmentFormat.start, at: 0)
        return unsafe bytes.withUnsafeBytes { unsafe SegmentHeader.readBoth($0) }
    }

    private init(
        _ settings: SegmentLogSettings, _ tries: OpeningTries, _ known: CursorFile.Reading,
        hasFiles: Bool
    ) throws(QueueFault) {
        self.settings = settings
        self.tries = tries
        state = LogState(limitBytes: settings.limitBytes, hotBytes: settings.hotBytes)
        quarantine = Quarantine(settings.path, limitBytes: settings.quarantineBytes)
        var cursorFile = try CursorFile(settings.path)
        _ = try cursorFile.read(isDurable: settings.sync != .never)
        self.cursorFile = cursorFile
        var old: [CursorFile.Position] = []
        var fresh = UInt64.max
        if case .positions(let positions) = known {
            old = positions
        } else {
            // Rather twice than never.
            fresh = 0
            recovery.cursorsLost = hasFiles || known == .damaged
        }
        for position in old
        where !state.cursors.contains(where: { $0.handle.name == position.name }) {
            add(position.name, position.sequence, settings.cursors.contains(position.name))
        }
        for name in settings.cursors where !old.contains(where: { $0.name == name }) {
            add(name, fresh, true)
        }
        nextSequence = max(1, old.map(\.sequence).max() ?? 1)
    }

    private mutating func add(_ name: String, _ position: UInt64, _ isConfigured: Bool) {
        state.cursors.append(
            CursorState(
                handle: QueueCursor(name: name), isConfigured: isConfigured, readNext: position))
        positions.append(position)
        places.append(nil)
    }

    // MARK: one file

    private mutating func recover(
        _ name: String, id: UInt64, isLast: Bool
    ) throws(QueueFault) {
        nextSequence = max(nextSequence, id + 1)
        let path = settings.path + "/" + name
        var known: Int?
        do throws(QueueFault) {
            let file = try QueueFile(path, .read, tries: tries)
            guard let size = try file.size() else { return }
            known = size
            switch try Self.header(file) {
            case .valid(let header) where header.id == id:
                try recover(file, name, header, size: size, isLast: isLast)
            case .spare: try QueueFolder.remove(path)
            case .valid, .damaged, .version: try setAside(file, name, size: size)
            }
        } catch {
            guard error.isUnreadable else { throw error }
            chain.hasSetAside = true
            var segment = newSegment(id, salt: 0)
            segment.unreadBytes = max(0, (known ?? 0) - segment.end)
            add(unread: segment, bytes: known, isLast: isLast)
        }
    }

    private func newSegment(_ id: UInt64, salt: UInt64) -> SegmentInfo {
        SegmentInfo(
            id: id, salt: salt, end: SegmentFormat.start, timeUnixNano: 0,
            waiting: Array(repeating: QueueCounts(), count: state.cursors.count))
    }

    private mutating func add(_ segment: SegmentInfo) {
        state.segments.append(segment)
        state.fileBytes += segment.fileBytes
        for index in state.cursors.indices {
            state.cursors[index].waiting += segment.waiting[index]
        }
    }

    /// A segment of which the disk does not give `bytes`, or nobody knows how many. What was in them
    /// is told by the next header.
    private mutating func add(unread segment: SegmentInfo, bytes: Int?, isLast: Bool) {
        recovery.filesUnreadable += 1
        recovery.damagedBytes += bytes ?? 0
        recovery.bytesLeft += bytes ?? 0
        // It may have had that many numbers, and a later start may find them.
        if isLast {
            nextSequence += UInt64((bytes ?? settings.limitBytes) / RecordHead.bytes + 1)
        }
        var segment = segment
        segment.isUnreadable = true
        add(segment)
    }

    /// A file without a readable header: begun and not finished, or damaged.
    private mutating func setAside(
        _ file: QueueFile, _ name: String, size: Int
    ) throws(QueueFault) {
        var isBegun = size <= SegmentFormat.start
        if !isBegun { isBegun = try ReadWindow(file, end: size).isZero(from: 0) }
        if isBegun {
            recovery.tornBytes += size
            try QueueFolder.remove(settings.path + "/" + name)
        } else {
            recovery.damagedBytes += size
            chain.hasSetAside = true
            do throws(QueueFault) {
                try quarantine.take(name, from: settings.path)
                recovery.filesSetAside += 1
            } catch {
                recovery.filesUnreadable += 1
                recovery.bytesLeft += size
                recovery.quarantineFailure = error.description
            }
        }
    }

    /// Whether it is new. What the disk has no room to copy is counted all the same.
    private mutating func setAside(
        _ place: Range<Int>, of file: QueueFile, segment id: UInt64
    ) -> Bool {
        let outcome = quarantine.add(place, of: file, segment: id)
        if let text = outcome.left { recovery.quarantineFailure = text }
        // An empty place is a mark.
        guard outcome.isNew, !place.isEmpty else { return outcome.isNew }
        if outcome.left == nil {
            recovery.placesSetAside += 1
        } else {
            recovery.placesLeft += 1
            recovery.bytesLeft += place.count
        }
        return true
    }

    private mutating func recover(
        _ file: QueueFile, _ name: String, _ header: SegmentHeader, size: Int, isLast: Bool
    ) throws(QueueFault) {
        try note(missingBefore: header, file)
        var link = SegmentChain.Link(header.id)
        link.isReused = header.isReused
        if size == SegmentFormat.start, !isLast {
            link.isStub = true
            chain.last = link
            guard state.segments.isEmpty else {
                state.stubs.insert(header.id)
                return
            }
            return try QueueFolder.remove(file.path)
        }
        var segment = newSegment(header.id, salt: header.salt)
        var begins = places
        // What the disk does not give.
        var unread: Int?
        var size = size
        if header.isReused, isLast { size = try cutBehindLast(file, header, size: size) }
        var damage: [(place: Range<Int>, head: RecordHead?)] = []
        var found = QueueCounts()
        // Only the last segment can have been cut by the end of the program; what went wrong with
        // the others is found when they are read.
        var scan = SegmentScan(
            file, salt: header.salt, from: SegmentFormat.start, end: size, after: header.id - 1,
            checksPayloads: isLast)
        scanning: while true {
            switch try scan.nextReadable() {
            case .record(let head, let offset):
                if found.records == 0 { segment.timeUnixNano = head.timeUnixNano }
                found += head.counts
                link.note(head)
                note(head, at: offset, &segment, &begins)
            case .damage(let place, nil)
            where header.isReused && !isLast && place.upperBound == size:
                // What the file held before, or what was behind it: the next header knows.
                link.tail = place
            case .damage(let place, let head):
                if damage.count < Self.mostDamagedPlaces {
                    damage.append((place, head))
                } else {
                    leave(place, head, &segment)
                }
                if let head {
                    link.note(head)
                    nextSequence = max(nextSequence, head.sequence + 1)
                }
            case .torn(let offset):
                if try Self.isPadding(file, offset..<size) {
                    try Self.cut(file.path, to: offset)
                } else if isLast {
                    recovery.tornBytes += size - offset
                    try Self.cut(file.path, to: offset)
                } else {
                    // The next header knows whether something was there.
                    link.tail = offset..<size
                }
            case .unread(let offset):
                unread = size - offset
                segment.unreadBytes = size - segment.end
                link.isUnread = true
            case .end:
                break scanning
            }
        }
        guard found.records > 0 || unread != nil else {
            if damage.isEmpty, link.tail == nil {
                if size < SegmentFormat.start { recovery.tornBytes += size }
                return try QueueFolder.remove(file.path)
            }
            return try setAside(file, name, size: size)
        }
        link.file = (file.path, segment.end)
        for (place, head) in damage {
            segment.damaged.insert(place.lowerBound)
            guard setAside(place, of: file, segment: header.id) else { continue }
            if head == nil { link.hasNewDamage = true }
            recovery.damagedPlaces += 1
            recovery.damagedBytes += place.count
            if let head { count(damaged: head) }
        }
        recovery.segments += 1
        recovery.found += found
        places = begins
        if let unread {
            add(unread: segment, bytes: unread, isLast: isLast)
        } else {
            add(segment)
        }
        chain.last = link
        before = SegmentBefore(link.id, link.found)
    }

    private mutating func count(damaged head: RecordHead) {
        recovery.damaged += head.counts
        for (index, cursor) in state.cursors.enumerated()
        where head.sequence >= positions[index] {
            recovery.damagedWaiting[cursor.handle.name, default: QueueCounts()] += head.counts
        }
    }

    /// One place more than are set aside.
    private mutating func leave(
        _ place: Range<Int>, _ head: RecordHead?, _ segment: inout SegmentInfo
    ) {
        segment.damagedFrom = min(segment.damagedFrom, place.lowerBound)
        recovery.placesLeft += 1
        recovery.damagedBytes += place.count
        recovery.bytesLeft += place.count
        recovery.quarantineFailure = "there are too many damaged places in one file"
        if let head { count(damaged: head) }
    }

    /// The newest segment, in a file that was another one before: it ends behind its last whole
    /// record. What the disk took of a write that did not finish, and what was in the file before,
    /// cannot be told apart.
    private mutating func cutBehindLast(
        _ file: QueueFile, _ header: SegmentHeader, size: Int
    ) throws(QueueFault) -> Int {
        var scan = SegmentScan(
            file, salt: header.salt, from: SegmentFormat.start, end: size, after: header.id - 1,
            checksPayloads: true)
        var end = SegmentFormat.start
        // Behind a head that can be read.
        var begun = end
        scanning: while true {
            switch try scan.nextReadable() {
            case .record(let head, let offset):
                end = offset + head.totalBytes
                begun = end
            case .damage(let place, let head): if head != nil { begun = place.upperBound }
            case .torn: continue
            // What lies there may be whole.
            case .unread: return size
            case .end: break scanning
            }
        }
        guard end < size else { return size }
        recovery.tornBytes += begun - end
        try Self.cut(file.path, to: end)
        return end
    }

    // MARK: what is missing

    /// Counts what is missing before the segment with this header, the first time.
    private mutating func note(
        missingBefore header: SegmentHeader, _ file: QueueFile
    ) throws(QueueFault) {
        let last = chain.last
        let isPlace = !chain.hasSetAside && last?.isUnread != true
        guard !chain.isAtBegin else {
            _ = chain.follow(header)
            return try noteFront(header, file, isPlace: isPlace)
        }
        guard let gap = chain.follow(header) else {
            if let last { try cutTail(last) }
            return
        }
        if let last, last.tail == nil, last.next >= header.id {
            if last.hasNewDamage { count(gap, isPlace: false) }
            return
        }
        if let last, let tail = last.tail, let own = last.file {
            _ = setAside(tail, of: try QueueFile(own.path, .read), segment: last.id)
        }
        // The empty file with that name keeps it from being told again.
        let isNew = setAside(0..<0, of: file, segment: gap.first)
        if isNew {
            recovery.damagedBytes += last?.tail?.count ?? 0
            count(gap, isPlace: isPlace)
        }
        if let last, let tail = last.tail, let own = last.file {
            try Self.cut(own.path, to: tail.lowerBound)
        }
    }

    /// What cursors wait for before the first segment that is there.
    private mutating func noteFront(
        _ header: SegmentHeader, _ file: QueueFile, isPlace: Bool
    ) throws(QueueFault) {
        let gaps = positions.map { SegmentChain.gap(before: header, from: $0) }
        guard let largest = gaps.compactMap({ $0 }).max(by: { $0.records < $1.records }),
            setAside(0..<0, of: file, segment: largest.first)
        else { return }
        recovery.damagedPlaces += isPlace ? 1 : 0
        recovery.damaged += largest.counts
        recovery.gaps.append(largest)
        for (index, gap) in gaps.enumerated() {
            guard let gap else { continue }
            recovery.damagedWaiting[state.cursors[index].handle.name, default: QueueCounts()] +=
                gap.counts
        }
    }

    private mutating func count(_ gap: QueueGap, isPlace: Bool) {
        recovery.damagedPlaces += isPlace ? 1 : 0
        recovery.damaged += gap.counts
        recovery.gaps.append(gap)
        for (index, cursor) in state.cursors.enumerated() {
            guard let part = gap.waiting(from: positions[index]) else { continue }
            recovery.damagedWaiting[cursor.handle.name, default: QueueCounts()] += part.counts
        }
    }

    /// What lies behind the last record and never was one.
    private mutating func cutTail(_ link: SegmentChain.Link) throws(QueueFault) {
        guard let tail = link.tail, let own = link.file else { return }
        if !link.isReused { recovery.tornBytes += tail.count }
        try Self.cut(own.path, to: tail.lowerBound)
    }

    /// What a bad disk leaves there is met again by the next start.
    private static func cut(_ path: String, to size: Int) throws(QueueFault) {
        do throws(QueueFault) {
            try QueueFile(path, .write).truncate(to: size)
        } catch {
            guard error.isUnreadable else { throw error }
        }
    }

    /// Whether this is nothing but what fills the last block of a file that was not ended.
    private static func isPadding(
        _ file: QueueFile, _ place: Range<Int>
    ) throws(QueueFault) -> Bool {
        guard place.count < WriteBuffer.block, place.upperBound % WriteBuffer.block == 0 else {
            return false
        }
        do throws(QueueFault) {
            return try ReadWindow(file, end: place.upperBound).isZero(from: place.lowerBound)
        } catch {
            guard error.isUnreadable else { throw error }
            return false
        }
    }

    private mutating func note(
        _ head: RecordHead, at offset: Int, _ segment: inout SegmentInfo,
        _ begins: inout [ReaderPlace?]
    ) {
        segment.end = offset + head.totalBytes
        nextSequence = max(nextSequence, head.sequence + 1)
        for index in positions.indices where head.sequence >= positions[index] {
            segment.waiting[index] += head.counts
            if begins[index] == nil {
                begins[index] = ReaderPlace(
                    segment: segment.id, offset: offset, last: head.sequence - 1)
            }
        }
    }

    private mutating func finish() throws(QueueFault) {
        if let last = chain.last { try cutTail(last) }
        state.lastSequence = nextSequence - 1
        let end = state.segments.last.map { ReaderPlace(segment: $0.id, offset: $0.end) }
        for index in positions.indices {
            // Nothing is there for one that has no place: numbers up to here were never kept.
            state.cursors[index].readNext =
                places[index] == nil ? nextSequence : min(positions[index], nextSequence)
            let place = places[index] ?? end ?? ReaderPlace()
            state.cursors[index].handle.reader.withLock { $0 = place }
        }
        state.collectDrained()
        state.cursorsChanged = true
    }
}
