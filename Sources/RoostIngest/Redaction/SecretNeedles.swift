import CScan
import RoostWire

/// Finds secrets by the few rare characters that each kind of them has.
///
/// The characters are looked for with vector instructions in everything, whatever it is; only where
/// some stand is the text around them judged. `CScan/include/scan.h` says how.
@safe final class SecretNeedles: Sendable {
    private let forms: [SecretForm]
    /// For each needle the forms that have its window.
    private let formsOfNeedle: [[Int]]
    // Sendable: written in `init` only.
    private nonisolated(unsafe) let table: UnsafeMutablePointer<roost_needles>
    private nonisolated(unsafe) let needles: UnsafeMutablePointer<roost_needle>

    init(_ kinds: Set<SecretKind>) {
        forms = SecretForm.all.filter { kinds.contains($0.rule) }
        var windows: [[UInt8]] = []
        var owners: [[Int]] = []
        for (index, form) in forms.enumerated() {
            let window = unsafe [UInt8](
                UnsafeBufferPointer(
                    start: form.window.utf8Start, count: form.window.utf8CodeUnitCount))
            if let known = windows.firstIndex(of: window) {
                owners[known].append(index)
            } else {
                windows.append(window)
                owners.append([index])
            }
        }
        formsOfNeedle = owners
        unsafe needles = .allocate(capacity: max(windows.count, 1))
        unsafe table = .allocate(capacity: 1)
        let buckets = Buckets(windows)
        for (index, window) in windows.enumerated() {
            var value: UInt32 = 0
            for byte in window.reversed() { value = value << 8 | UInt32(byte) }
            unsafe needles.advanced(by: index).initialize(
                to: roost_needle(
                    value: value, mask: window.count == 4 ? .max : 0x00FF_FFFF,
                    bucket: 1 << UInt8(buckets.ofWindow[index])))
        }
        unsafe table.initialize(to: roost_needles())
        unsafe table.pointee.needles = UnsafePointer(needles)
        unsafe table.pointee.needle_count = windows.count
        unsafe withUnsafeMutableBytes(of: &table.pointee.nibbles) { bytes in
            for place in 0..<4 {
                for nibble in 0..<16 {
                    unsafe bytes[place * 16 + nibble] = buckets.bits(place, nibble)
                }
            }
        }
        unsafe withUnsafeMutableBytes(of: &table.pointee.halves) { bytes in
            for place in 0..<4 {
                for half in 0..<16 {
                    unsafe bytes[place * 16 + half] = buckets.bits(place, half: half)
                }
            }
        }
    }

    deinit {
        unsafe table.deallocate()
        unsafe needles.deallocate()
    }

    /// The first window at or after `start`; nil when there is none.
    func nextWindow(in text: WireBytes, from start: Int) -> (place: Int, needle: Int)? {
        guard start < text.count else { return nil }
        var which = 0
        let place = unsafe roost_find(table, text.base, text.count, start, &which)
        return place < text.count ? (place, which) : nil
    }

    /// The first secret that begins at or after `start`.
    func next(in text: WireBytes, from start: Int) -> (range: Range<Int>, rule: SecretKind)? {
        var place = start
        while let window = nextWindow(in: text, from: place) {
            for index in formsOfNeedle[window.needle] {
                let form = forms[index]
                if let range = form.check(text, window.place), range.lowerBound >= start {
                    let isKey = form.rule == .apiKey
                    return (isKey ? withPrivateKey(range, in: text) : range, form.rule)
                }
            }
            place = window.place + 1
        }
        return nil
    }

    /// A secret and the private key that begins in it, since dashes and capitals are characters of
    /// other keys: the search goes on behind the secret and would not see the beginning.
    private func withPrivateKey(_ secret: Range<Int>, in text: WireBytes) -> Range<Int> {
        var place = secret.lowerBound
        while let window = nextWindow(in: text, from: place), window.place < secret.upperBound {
            for index in formsOfNeedle[window.needle] where forms[index].rule == .privateKey {
                if let key = forms[index].check(text, window.place),
                    key.upperBound > secret.upperBound
                {
                    return secret.lowerBound..<key.upperBound
                }
            }
            place = window.place + 1
        }
        return secret
    }

    /// Which windows share a bucket. What a bucket lets through by mistake is every mixture of its
    /// windows, so windows that mix into words are kept apart: chosen by counting what passes in
    /// agents' requests and in English text, one place in some 500 bytes.
    private struct Buckets {
        private static let shared: [[StaticString]] = [
            ["AIza", "ya29", "AKIA", "ASIA", "xai-", "--BE"],
            ["GOCS", "ghp_", "ghs_", "ghr_", "glpa", "gsk_"],
            [
                "pplx", "tvly", "tKey", "_key", "_Key", "_KEY", "-key", "-Key", "-KEY", "ikey",
                "iKey", "IKey", "IKEY",
            ],
            ["hf_", "r8_"],
            ["sk-", "lsv2", "SG."],
            ["gho_", "ghu_", "xapp", "k_li"],
            ["hub_", "arer", "ARER", "cret", "CRET"],
            ["xox", "eyJ"],
        ]

        private var sets = [[UInt16]](repeating: [0, 0, 0, 0], count: 8)
        private var halves = [[UInt16]](repeating: [0, 0, 0, 0], count: 8)
        private(set) var ofWindow: [Int] = []

        init(_ windows: [[UInt8]]) {
            for window in windows {
                let bucket = Self.bucket(of: window)
                for place in 0..<4 {
                    sets[bucket][place] |=
                        place < window.count ? 1 << UInt16(window[place] & 15) : .max
                    halves[bucket][place] |=
                        place < window.count ? 1 << UInt16(window[place] >> 4) : .max
                }
                ofWindow.append(bucket)
            }
        }

        /// A window that nobody has counted goes where the fewest are.
        private static func bucket(of window: [UInt8]) -> Int {
            shared.firstIndex { $0.contains { "\($0)".utf8.elementsEqual(window) } } ?? 3
        }

        func bits(_ place: Int, _ nibble: Int) -> UInt8 {
            Self.bits(sets.map { $0[place] }, nibble)
        }

        func bits(_ place: Int, half: Int) -> UInt8 {
            Self.bits(halves.map { $0[place] }, half)
        }

        private static func bits(_ sets: [UInt16], _ value: Int) -> UInt8 {
            var bits: UInt8 = 0
            for bucket in sets.indices where sets[bucket] >> UInt16(value) & 1 != 0 {
                bits |= 1 << UInt8(bucket)
            }
            return bits
        }
    }
}
