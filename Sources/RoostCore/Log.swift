import Glibc
import Synchronization

/// Lines for the operator, to standard error: changes of state, never one per request.
///
/// Lines of several threads do not mix. Any thread.
public final class Log: Sendable {
    /// How much a line matters.
    public enum Level: Int, Sendable, Comparable, CaseIterable {
        case debug, info, warn, error

        public var name: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .warn: "warn"
            case .error: "error"
            }
        }

        public init?(name: String) {
            guard let level = Level.allCases.first(where: { $0.name == name }) else { return nil }
            self = level
        }

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    /// How a line looks.
    public enum Format: String, Sendable, CaseIterable { case text, json }

    private struct Settings {
        var level: Level
        var format: Format
    }

    private let settings: Mutex<Settings>
    private let sink: @Sendable ([UInt8]) -> Void

    /// `sink` gets whole lines; it stands for standard error in tests.
    public init(
        level: Level = .info, format: Format = .text,
        sink: @escaping @Sendable ([UInt8]) -> Void = Log.standardError
    ) {
        settings = Mutex(Settings(level: level, format: format))
        self.sink = sink
    }

    /// From the next line on.
    public func set(level: Level, format: Format) {
        settings.withLock { $0 = Settings(level: level, format: format) }
    }

    public func debug(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.debug, message, fields)
    }
    public func info(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.info, message, fields)
    }
    public func warn(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.warn, message, fields)
    }
    public func error(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.error, message, fields)
    }

    private func write(
        _ level: Level, _ message: String, _ fields: KeyValuePairs<String, String>
    ) {
        let (least, format) = settings.withLock { ($0.level, $0.format) }
        guard level >= least else { return }
        let time = rfc3339(unixNanoseconds: unixNanoseconds())
        var writer = JSONWriter()
        switch format {
        case .json:
            writer.beginObject()
            writer.field("time", time)
            writer.field("level", level.name)
            writer.field("message", message)
            for (name, text) in fields { writer.field(name, text) }
            writer.endObject()
            sink(writer.bytes + [0x0A])
        case .text:
            var line = time + " " + level.name + " " + Log.onOneLine(message)
            for (name, text) in fields { line += " " + name + "=" + Log.onOneLine(text) }
            sink(Array(line.utf8) + [0x0A])
        }
    }

    /// Text with its control characters escaped, so that nothing from outside can begin a line or
    /// steer a terminal.
    public static func onOneLine(_ text: String) -> String {
        var safe = ""
        for scalar in text.unicodeScalars {
            safe +=
                scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value
                ? scalar.escaped(asASCII: true) : String(scalar)
        }
        return safe
    }

    /// Writes a line to standard error; a closed or full one is no reason to stop.
    public static let standardError: @Sendable ([UInt8]) -> Void = { errorLines.write($0) }
    private static let errorLines = LinePipe(2)
}
