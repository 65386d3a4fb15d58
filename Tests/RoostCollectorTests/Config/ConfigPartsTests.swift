import Foundation
import Testing

@testable import RoostCollector

@Suite struct QuantityTests {
    @Test(arguments: [
        ("512MiB", 512 << 20), ("1gib", 1 << 30), ("64 KiB", 64 << 10), ("10kB", 10_000),
        ("7", 7), ("0", 0), ("3B", 3),
    ])
    func `reads sizes`(_ text: String, _ bytes: Int) {
        #expect(parseSize(text) == bytes)
        #expect(parseSize(sizeText(bytes)) == bytes)
    }

    @Test(arguments: ["", "MiB", "1.5GiB", "-1", "1XiB", "99999999999999999999", "9999999TiB", "٣"])
    func `refuses what is no size`(_ text: String) { #expect(parseSize(text) == nil) }

    @Test(arguments: [
        ("10s", Duration.seconds(10)), ("200ms", .milliseconds(200)), ("7d", .seconds(604_800)),
        ("1h30m", .seconds(5400)), ("0", .zero), ("5us", .microseconds(5)), ("2m", .seconds(120)),
    ])
    func `reads durations`(_ text: String, _ duration: Duration) {
        #expect(parseDuration(text) == duration)
        #expect(parseDuration(durationText(duration)) == duration)
    }

    @Test(arguments: ["", "10", "s", "1.5s", "-1s", "10 s", "1y", "9999999999d", "1m2", "never"])
    func `refuses what is no duration`(_ text: String) { #expect(parseDuration(text) == nil) }
}

@Suite struct ExpansionTests {
    private func expand(_ text: String) throws(ExpansionError) -> String {
        try expandVariables(in: text) { ["A": "1", "EMPTY": "", "B_2": "$A"][$0] }
    }

    @Test(arguments: [
        ("${A}", "1"), ("x${A}y${A}z", "x1y1z"), ("${NO:-d e}", "d e"), ("${EMPTY:-d}", "d"),
        ("${EMPTY}", ""), ("${NO:-}", ""), ("$$", "$"), ("$${A}", "${A}"), ("a$b", "a$b"),
        ("100$", "100$"), ("${B_2}", "$A"), ("${A:-x}", "1"),
    ])
    func `replaces variables`(_ text: String, _ result: String) throws {
        #expect(try expand(text) == result)
    }

    @Test func `tells what is wrong`() {
        #expect(throws: ExpansionError.unset("NO")) { try expand("${NO}") }
        #expect(throws: ExpansionError.unclosed) { try expand("${A") }
        #expect(throws: ExpansionError.badName("1A")) { try expand("${1A}") }
        #expect(throws: ExpansionError.badName("")) { try expand("${}") }
        #expect(throws: ExpansionError.badName("A-b")) { try expand("${A-b}") }
    }

    @Test(arguments: ["${A:-${B_2}}", "${NO:-${A}}", "${NO:-x${A:-1}}", "${NO:-$${A}}"])
    func `refuses a variable in a default`(_ text: String) {
        let name = text.hasPrefix("${A") ? "A" : "NO"
        #expect(throws: ExpansionError.nested(name)) { try expand(text) }
    }
}

@Suite struct NearestTests {
    @Test func `finds the one that was meant`() {
        let keys = ["memory", "request", "connections", "series_expiry"]
        #expect(nearest("memroy", among: keys) == "memory")
        #expect(nearest("Requests", among: keys) == "request")
        #expect(nearest("zzz", among: keys) == nil)
        #expect(nearest("", among: keys) == nil)
        #expect(nearest(String(repeating: "x", count: 100_000), among: keys) == nil)
    }
}

@Suite struct ConfigReferenceTests {
    /// With `UPDATE_DOCS=1` in the environment the README is written anew instead of compared.
    @Test func `the reference in README.md is what the tables say`() throws {
        let path = #filePath.replacing(
            "Tests/RoostCollectorTests/Config/ConfigPartsTests.swift", with: "README.md")
        let page = try String(contentsOfFile: path, encoding: .utf8)
        let begin = "<!-- begin: roost help config -->\n"
        let start = try #require(page.firstRange(of: begin)).upperBound
        let rest = page[start...]
        let stop = try #require(rest.firstRange(of: "<!-- end -->")).lowerBound
        let made = Config.reference()
        if ProcessInfo.processInfo.environment["UPDATE_DOCS"] != nil {
            let whole = page[..<start] + made + page[stop...]
            try String(whole).write(toFile: path, atomically: true, encoding: .utf8)
        } else {
            #expect(
                page[start..<stop] == made,
                "run: UPDATE_DOCS=1 swift test --filter ConfigReferenceTests")
        }
    }
}

@Suite struct DurationBoundsConfigTests {
    @Test func `bounds of durations are those of the contract unless they are given`() throws {
        let standard = try loadConfig("").config.limits
        #expect(standard.durationHistogramBounds == .standard)
        let own = try loadConfig("limits: { duration_bounds: [500ms, 1m, 2h] }").config.limits
        #expect(own.durationHistogramBounds?.seconds == [0.5, 60, 7200])
    }

    @Test(arguments: ["[]", "[1s, 1s]", "[2s, 1s]"])
    func `bounds that do not rise are told with their place`(_ list: String) {
        let faults = configFaults("limits:\n  duration_bounds: \(list)\n")
        #expect(faults.count == 1)
        #expect(faults.first?.hasPrefix("f.yaml:2:") == true)
    }

    @Test(
        arguments: [
            (nil, 512), (4 << 30, 512), (640 << 20, 512), (256 << 20, 192), (128 << 20, 80),
            (64 << 20, 24), (32 << 20, 16),
        ] as [(Int?, Int)])
    func `the control group lowers the default of the memory limit`(
        allowed: Int?, mebibytes: Int
    ) throws {
        let loaded = try loadConfig("", memoryAllowed: allowed)
        #expect(loaded.config.limits.memory == mebibytes << 20)
        #expect(loaded.warnings.isEmpty == (allowed ?? .max > 32 << 20))
        #expect(loaded.config.limits.request <= loaded.config.limits.memory / 4)
    }

    @Test func `a memory limit that was given stays, with a warning where the group allows less`()
        throws
    {
        let text = "limits: { memory: 256MiB }"
        for (allowed, warnings) in [(512 << 20, 0), (288 << 20, 0), (287 << 20, 1)] {
            let loaded = try loadConfig(text, memoryAllowed: allowed)
            #expect(loaded.config.limits.memory == 256 << 20)
            #expect(loaded.warnings.count == warnings)
        }
    }
}
